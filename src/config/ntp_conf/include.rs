//! Files that include others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::Rejected;
use crate::config::ntp_conf::arguments::Arguments;
use crate::config::ntp_conf::printer::Written;
use crate::config::ntp_conf::{Directive, Placed, lexer, reader};

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file with these bytes.
    File(Vec<u8>),
    /// A folder with these files, of which those that end in `.conf` are read, in the order of their
    /// names.
    Folder(Vec<PathBuf>),
}

/// What a file and those that it includes say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Followed {
    /// What they say, in the order of the text: what is included in place of its line.
    pub directives: Vec<Placed>,
    /// Their text.
    pub text: Written,
}

/// Reads the configuration at `path` and all that it includes; `open` tells what is at a path, or
/// why that cannot be had.
///
/// A relative path is meant from the folder of the file that names it, as NTPsec has it.
/// Differs: classic ntpd means the folder that it was started in, and goes on without a file that
/// cannot be read; here that is an error, for nobody should find out later what was not restricted.
///
/// # Errors
/// The first thing that is wrong, with its place: then nothing of it is to be used.
pub fn follow(
    path: &Path,
    open: impl FnMut(&Path) -> Result<Found, String>,
) -> Result<Followed, Rejected> {
    let mut following =
        Following { open, files: 0, within: Vec::new(), followed: Followed::default() };
    let bytes = match (following.open)(path) {
        Ok(Found::File(bytes)) => bytes,
        Ok(Found::Folder(_)) => return Err(unreadable(path, "it is a folder")),
        Err(reason) => return Err(unreadable(path, &reason)),
    };
    following.file(path, &bytes)?;
    Ok(following.followed)
}

fn unreadable(path: &Path, reason: &str) -> Rejected {
    let source = path.display().to_string();
    Rejected { source, position: None, reason: format!("cannot be read: {reason}") }
}

struct Following<F> {
    open: F,
    files: usize,
    /// The files that are being read, each included by the one before.
    within: Vec<PathBuf>,
    followed: Followed,
}

impl<F: FnMut(&Path) -> Result<Found, String>> Following<F> {
    /// Reads the file at `path`; whether all reading ends there.
    fn file(&mut self, path: &Path, bytes: &[u8]) -> Result<bool, Rejected> {
        let name = path.display().to_string();
        let text = lexer::decode(&name, bytes)?;
        let source = Arc::from(name.as_str());
        self.within.push(path.to_owned());
        let mut has_ended = false;
        for (number, text) in (1..).zip(text.lines()) {
            let line = if has_ended { None } else { lexer::line_of(&name, number, text)? };
            has_ended = has_ended || line.as_ref().is_some_and(lexer::Line::ends_all);
            if has_ended {
                self.followed.text.unread(&source, text);
                continue;
            }
            let before = self.followed.directives.len();
            if let Some(line) = line {
                let arguments = &mut Arguments::new(&source, &line);
                reader::read(arguments, &mut self.followed.directives)?;
            }
            let included = self.followed.directives.get(before).and_then(|placed| {
                let Directive::Include(path) = &placed.directive else { return None };
                Some((path.clone(), (placed.line, placed.column)))
            });
            let Some((included, position)) = included else {
                self.followed.text.line(&source, text);
                continue;
            };
            self.followed.directives.truncate(before);
            self.followed.text.unread(&source, text);
            let included = path.parent().unwrap_or_else(|| Path::new("")).join(included);
            let rejected =
                |reason| Rejected { source: name.clone(), position: Some(position), reason };
            has_ended = self.include(&included, &rejected)?;
            self.followed.text.unread(&source, &format!("end of {}", included.display()));
        }
        self.within.pop();
        Ok(has_ended)
    }

    /// Reads what is included from `path`; whether all reading ends there.
    fn include(
        &mut self,
        path: &Path,
        rejected: &impl Fn(String) -> Rejected,
    ) -> Result<bool, Rejected> {
        if let Some(start) = self.within.iter().position(|other| other == path) {
            let names = self.within.iter().skip(start).map(|path| path.display().to_string());
            let ring: Vec<String> = names.chain([path.display().to_string()]).collect();
            return Err(rejected(format!("the files include each other: {}", ring.join(" → "))));
        }
        self.files += 1;
        if self.within.len() > DEEPEST {
            return Err(rejected(format!("files are included up to {DEEPEST} deep")));
        }
        if self.files > MOST_FILES {
            return Err(rejected(format!("no more than {MOST_FILES} files are included")));
        }
        let found = (self.open)(path)
            .map_err(|reason| rejected(format!("`{}` cannot be read: {reason}", path.display())))?;
        match found {
            Found::File(bytes) => self.file(path, &bytes),
            Found::Folder(mut files) => {
                files.retain(|file| file.extension().is_some_and(|ending| ending == "conf"));
                files.sort_unstable();
                for file in files {
                    if self.include(&file, rejected)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

/// ntpd's `MAXINCLUDELEVEL`.
const DEEPEST: usize = 5;

/// No site has so many; a ring of links is found out by it.
const MOST_FILES: usize = 1_000;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What is said by `main.conf` in a folder with these files.
    fn followed(files: &[(&str, &str)]) -> Result<Followed, Rejected> {
        let files: BTreeMap<PathBuf, &str> =
            files.iter().map(|(path, text)| (PathBuf::from(path), *text)).collect();
        follow(Path::new("/etc/main.conf"), |path| {
            if let Some(text) = files.get(path) {
                return Ok(Found::File(text.as_bytes().to_vec()));
            }
            let within: Vec<PathBuf> =
                files.keys().filter(|file| file.parent() == Some(path)).rev().cloned().collect();
            if within.is_empty() {
                Err("it is not there".to_owned())
            } else {
                Ok(Found::Folder(within))
            }
        })
    }

    fn places(followed: &Followed) -> Vec<String> {
        let places = followed
            .directives
            .iter()
            .map(|placed| format!("{}:{} {}", placed.source, placed.line, placed.directive));
        places.collect()
    }

    #[test]
    fn what_is_included_stands_in_the_place_of_its_line() {
        let read = followed(&[
            ("/etc/main.conf", "server a\nincludefile more/two.conf\nserver d\n"),
            ("/etc/more/two.conf", "server b\n includefile three # why\nserver c\n"),
            ("/etc/more/three", "tos minsane 2"),
        ])
        .unwrap();
        assert_eq!(
            places(&read),
            [
                "/etc/main.conf:1 server a",
                "/etc/more/two.conf:1 server b",
                "/etc/more/three:1 tos minsane 2",
                "/etc/more/two.conf:3 server c",
                "/etc/main.conf:3 server d",
            ]
        );
        assert_eq!(
            read.text.to_string(),
            "server a\n# includefile more/two.conf\nserver b\n# includefile three # why\n\
             tos minsane 2\n# end of /etc/more/three\nserver c\n# end of /etc/more/two.conf\n\
             server d\n"
        );
    }

    #[test]
    fn a_folder_is_its_files_in_order() {
        let read = followed(&[
            ("/etc/main.conf", "includefile /etc/ntp.d\n"),
            ("/etc/ntp.d/20-b.conf", "server b"),
            ("/etc/ntp.d/10-a.conf", "server a"),
            ("/etc/ntp.d/README", "whatever"),
        ])
        .unwrap();
        assert_eq!(
            places(&read),
            ["/etc/ntp.d/10-a.conf:1 server a", "/etc/ntp.d/20-b.conf:1 server b"]
        );
    }

    #[test]
    fn an_end_ends_all_files() {
        let read = followed(&[
            ("/etc/main.conf", "server a\nincludefile b\nserver c\n"),
            ("/etc/b", "server b\nend\nservr\n"),
        ])
        .unwrap();
        assert_eq!(places(&read), ["/etc/main.conf:1 server a", "/etc/b:1 server b"]);
        let again = crate::config::ntp_conf::read("again", &read.text.to_string()).unwrap();
        assert_eq!(again.len(), 2);
    }

    #[test]
    fn what_cannot_be_included_is_an_error_where_it_is_named() {
        let said = |files: &[(&str, &str)]| followed(files).unwrap_err().to_string();
        assert_eq!(said(&[]), "/etc/main.conf: cannot be read: it is not there");
        assert_eq!(
            said(&[("/etc/main.conf", "\n  includefile b\n")]),
            "/etc/main.conf, line 2, column 3: `/etc/b` cannot be read: it is not there"
        );
        assert_eq!(
            said(&[("/etc/main.conf", "includefile b"), ("/etc/b", "tos minsane x")]),
            "/etc/b, line 1, column 13: `minsane` is a whole number from 0 to 1000000, not `x`"
        );
        assert_eq!(
            said(&[("/etc/main.conf", "includefile b"), ("/etc/b", "\nincludefile main.conf")]),
            "/etc/b, line 2, column 1: the files include each other: \
             /etc/main.conf → /etc/b → /etc/main.conf"
        );
        let chain: Vec<(String, String)> = (0..8)
            .map(|depth| {
                let name = if depth == 0 { "main.conf".to_owned() } else { depth.to_string() };
                (format!("/etc/{name}"), format!("includefile {}", depth + 1))
            })
            .collect();
        let chain: Vec<(&str, &str)> =
            chain.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(said(&chain), "/etc/5, line 1, column 1: files are included up to 5 deep");
        let many = "includefile b\n".repeat(MOST_FILES + 1);
        assert_eq!(
            said(&[("/etc/main.conf", &many), ("/etc/b", "")]),
            "/etc/main.conf, line 1001, column 1: no more than 1000 files are included"
        );
    }
}
