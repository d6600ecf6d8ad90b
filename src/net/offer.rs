//! What the engine in this process could measure: the sources of this host's own configuration.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::backend::{Offer, Offered};
use crate::config::own_sources::{self, Format, OwnSource, PLACES, Place};
use crate::net::programs;

/// Looks through the configuration of this host's daemons. Reads files, so it takes its time.
pub fn look() -> Offer {
    Offer { beside: programs::running(), ..look_through(&PLACES) }
}

fn look_through(places: &[Place]) -> Offer {
    let mut offer = Offer::default();
    let mut timesyncd = Vec::new();
    for place in places {
        match files(place) {
            Ok(files) if place.format == Format::Timesyncd => {
                for file in files {
                    match fs::read_to_string(&file) {
                        Ok(text) => timesyncd.push((file, text)),
                        Err(error) => complain(&mut offer, &file, &error),
                    }
                }
            }
            Ok(files) => files.iter().for_each(|file| take(&mut offer, file, place.format, 0)),
            Err(error) => complain(&mut offer, Path::new(place.path), &error),
        }
    }
    for source in own_sources::of_timesyncd(&timesyncd) {
        add(&mut offer, source);
    }
    offer
}

/// The files at a place, in the order in which their programs read them.
fn files(place: &Place) -> io::Result<Vec<PathBuf>> {
    let Some(ending) = place.ending else { return Ok(vec![place.path.into()]) };
    let mut files = Vec::new();
    for entry in fs::read_dir(place.path)? {
        let path = entry?.path();
        if path.to_str().is_some_and(|path| path.ends_with(ending)) {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Takes in a file, which others name through so many.
fn take(offer: &mut Offer, path: &Path, format: Format, depth: usize) {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return complain(offer, path, &error),
    };
    match own_sources::read(path, format, &text) {
        Ok(sources) => sources.into_iter().for_each(|source| add(offer, source)),
        Err(rejected) => offer.unreadable.push((path.into(), rejected.to_string().into())),
    }
    if format != Format::Chrony || depth == DEEPEST {
        return;
    }
    for besides in own_sources::besides(&text) {
        let is_one = |path: &PathBuf| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| besides.is_one(name))
        };
        match fs::read_dir(&besides.folder) {
            Ok(entries) => {
                let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
                let mut files: Vec<PathBuf> = paths.filter(is_one).collect();
                files.sort_unstable();
                for file in &files {
                    take(offer, file, format, depth + 1);
                }
            }
            Err(error) => complain(offer, &besides.folder, &error),
        }
    }
}

/// Files are followed that are named through so many others.
const DEEPEST: usize = 3;

/// Adds a source. The same server in two programs' files is one.
fn add(offer: &mut Offer, source: OwnSource) {
    let OwnSource { path, association } = source;
    if offer.sources.iter().all(|known| known.association.host != association.host) {
        offer.sources.push(Offered { path, association });
    }
}

/// Notes that a file cannot be read. That there is none is what most hosts have of most of them.
fn complain(offer: &mut Offer, path: &Path, error: &io::Error) {
    if error.kind() != io::ErrorKind::NotFound {
        offer.unreadable.push((path.into(), error.to_string().into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path that lives as long as the constant places do.
    fn kept(path: &Path) -> &'static str {
        String::from(path.to_str().unwrap()).leak()
    }

    #[test]
    fn each_source_is_offered_once_and_what_cannot_be_read_is_told() {
        let folder = std::env::temp_dir().join(format!("ntpscope-offer-{}", std::process::id()));
        fs::create_dir_all(folder.join("more")).unwrap();
        fs::write(folder.join("ntp.conf"), "server a.example iburst\nserver b.example\n").unwrap();
        fs::write(folder.join("broken.conf"), "sevrer a\n").unwrap();
        fs::write(folder.join("more/2.sources"), "server c.example\n").unwrap();
        fs::write(folder.join("more/1.sources"), "server b.example\nserver d.example\n").unwrap();
        fs::write(folder.join("more/README"), "server e.example\n").unwrap();
        fs::write(
            folder.join("chrony.conf"),
            format!(
                "pool p.example\ninclude {0}/more/*ME\ninclude {0}/chrony.conf\n",
                folder.display()
            ),
        )
        .unwrap();
        let place =
            |name: &str, ending, format| Place { path: kept(&folder.join(name)), ending, format };
        let offer = look_through(&[
            place("ntp.conf", None, Format::NtpConf),
            place("broken.conf", None, Format::NtpConf),
            place("more", Some(".sources"), Format::Chrony),
            place("missing.conf", None, Format::Timesyncd),
            place("missing", Some(".conf"), Format::Chrony),
            place("chrony.conf", None, Format::Chrony),
        ]);
        let hosts: Vec<_> =
            offer.sources.iter().map(|source| source.association.host.to_string()).collect();
        assert_eq!(
            hosts,
            ["a.example", "b.example", "d.example", "c.example", "p.example", "e.example"]
        );
        assert!(offer.sources[3].path.ends_with("more/2.sources"));
        let [(path, why)] = &offer.unreadable[..] else { panic!("{:?}", offer.unreadable) };
        assert!(path.ends_with("broken.conf") && why.contains("line 1"), "{why}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
