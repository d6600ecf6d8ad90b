//! The same for a chronyd, which takes changes over its Unix socket from who may use that.

use std::path::{Path, PathBuf};

use super::{Teller, Told, Unmade, locate, seed};
use crate::backend::change::Pending;
use crate::cli::exit::Exit;
use crate::cli::set::SetArguments;
use crate::cli::settings;
use crate::control::chrony::Transport;
use crate::control::chrony::change::{self, Line};
use crate::control::chrony::way::{self, Chronyd, Wish};
use crate::control::reconfigure::Reconfigure;
use crate::net::book::{self, About, Book, Claim, Keeper};
use crate::net::clock::Clock;
use crate::net::reconfigure::{Change, ChronydAt, Link};
use crate::net::signals::{Hangup, Signals};
use crate::net::udp;
use crate::net::unix;

/// What is wanted of a chronyd.
pub(super) struct Asked {
    book: Option<Book>,
    /// The pending change that is taken back by this.
    taken: Option<Claim>,
    place: Place,
    /// Whether it is sent, or only shown.
    is_armed: bool,
    wish: Wish,
    configured: Option<Vec<Line>>,
}

/// A chronyd, as the user calls it and where it is.
pub(super) struct Place {
    name: String,
    at: ChronydAt,
}

/// Where the chronyd is that is meant; `None` where it is another daemon.
pub(super) fn place(arguments: &SetArguments) -> Option<Place> {
    let target = arguments.host.clone()?;
    Some(Place { name: target.to_string(), at: ChronydAt::of(&target)? })
}

/// Reads what the user wants, before anything is sent to anybody.
pub(super) fn asked(
    arguments: &SetArguments,
    book: Option<Book>,
    place: Place,
) -> Result<Asked, String> {
    let files = arguments.host.as_ref().map(|target| settings::files(&arguments.files, target));
    let files = files.transpose().map_err(|rejected| rejected.to_string())?.unwrap_or_default();
    let configured = files.config_of.as_deref().map(read).transpose()?;
    let verb = arguments.verb.as_deref().unwrap_or_default();
    let line = change::of_verb(verb, &arguments.arguments).map_err(|why| why.to_string())?;
    let (taken, is_armed, wish) = (None, arguments.write, Wish::Line(line));
    Ok(Asked { book, taken, place, is_armed, wish, configured })
}

/// What takes back a change that was left behind, over the socket at `path`.
pub(super) fn taken_back(book: Option<Book>, claim: Claim, path: PathBuf) -> Result<Asked, String> {
    let Pending { host: name, inverse, .. } = claim.pending().clone();
    let lines: Result<Vec<Line>, _> = inverse.iter().map(|line| Line::read(line)).collect();
    let wish = Wish::Exactly(lines.map_err(|why| why.to_string())?);
    let place = Place { name, at: ChronydAt::Socket(path) };
    Ok(Asked { book, taken: Some(claim), place, is_armed: true, wish, configured: None })
}

/// The lines of a chrony.conf.
fn read(file: &Path) -> Result<Vec<Line>, String> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| format!("{}: cannot be read: {error}", file.display()))?;
    Ok(change::configured(&text))
}

/// Changes it, or shows what would be changed.
pub(super) async fn change(arguments: &SetArguments, asked: Asked) -> Result<Exit, Unmade> {
    let clock = Clock::start();
    let mut signals = Signals::catch(false, Hangup::End).map_err(|why| Unmade::failed(&why))?;
    let seed = seed()?;
    let (link, address) = match &asked.place.at {
        ChronydAt::Socket(path) => {
            let socket = unix::Socket::connect(path);
            let socket =
                socket.map_err(|why| Unmade::absent(&format!("{}: {why}", path.display())))?;
            (Link::Unix(socket), None)
        }
        ChronydAt::Port(host) => {
            let socket = udp::Socket::connect(locate(arguments, host).await?);
            let socket = socket.map_err(|why| Unmade::failed(&why))?;
            let address = socket.address();
            (Link::Udp(socket), Some(address))
        }
    };
    let settings = way::Settings {
        transport: if address.is_some() { Transport::Udp } else { Transport::Unix },
        address,
        seed,
        patience: arguments.timeout,
        configured: asked.configured,
    };
    let about = About {
        when: book::wall(&clock),
        host: asked.place.name,
        address: address.map(|address| address.to_string()),
        version: None,
        key: None,
    };
    let keeper = Keeper::new(asked.book, asked.taken, about, clock);
    let way = Chronyd::new(asked.wish, settings);
    let machine = Reconfigure::new(clock.now(), way, arguments.commit_confirm);
    let teller = Teller {
        arguments,
        is_armed: asked.is_armed,
        change: Change::new(machine, link, clock),
        keeper,
        told: Told::default(),
        typed: None,
    };
    Ok(teller.walk(&clock, &mut signals).await)
}
