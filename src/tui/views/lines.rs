//! A screen that is lines, more perhaps than there is room for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::views::columns::Context;
use crate::tui::widgets::text;

/// A line in pieces that differ in their looks.
pub type Line = Vec<(Style, String)>;

/// Draws `lines` as far as the tab is scrolled, and how many more there are below.
pub fn put_scrolled(context: &Context<'_>, lines: &[Line], area: Rect, buffer: &mut Buffer) {
    let height = usize::from(area.height);
    let first = context.tab.scroll.min(lines.len().saturating_sub(height));
    for (line, row) in lines.iter().skip(first).zip(0..area.height) {
        put_line(line, area, row, buffer);
    }
    let below = lines.len().saturating_sub(first + height);
    if below > 0 && area.height > 1 {
        let more = context.app.marks(&format!(" → {below} more lines "));
        let column = area.width.saturating_sub(u16::try_from(text::width(&more)).unwrap_or(0));
        text::put(buffer, area, (column, area.height - 1), &more, context.theme.bar);
    }
}

/// Draws one line.
pub fn put_line(line: &Line, area: Rect, row: u16, buffer: &mut Buffer) {
    let mut column = 0;
    for (style, piece) in line {
        column += text::put(buffer, area, (column, row), piece, *style);
    }
}
