//! What the engine in this process could measure: the sources of this host's own configuration.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::backend::{Offer, Offered};
use crate::config::own_sources::{self, PLACES, Place};
use crate::net::programs;

/// Looks through the configuration of this host's daemons. Reads files, so it takes its time.
pub fn look() -> Offer {
    Offer { beside: programs::running(), ..look_through(&PLACES) }
}

fn look_through(places: &[Place]) -> Offer {
    let mut offer = Offer::default();
    for place in places {
        match files(place) {
            Ok(files) => files.iter().for_each(|file| take(&mut offer, file, place)),
            Err(error) => complain(&mut offer, Path::new(place.path), &error),
        }
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

fn take(offer: &mut Offer, path: &Path, place: &Place) {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return complain(offer, path, &error),
    };
    match own_sources::read(path, place.format, &text) {
        Ok(sources) => {
            for source in sources {
                // The same server in two programs' files is one source.
                let host = &source.association.host;
                if offer.sources.iter().all(|known| known.association.host != *host) {
                    let (path, association) = (source.path, source.association);
                    offer.sources.push(Offered { path, association });
                }
            }
        }
        Err(rejected) => offer.unreadable.push((path.into(), rejected.to_string().into())),
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
    use crate::config::own_sources::Format;

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
        let place =
            |name: &str, ending, format| Place { path: kept(&folder.join(name)), ending, format };
        let offer = look_through(&[
            place("ntp.conf", None, Format::NtpConf),
            place("broken.conf", None, Format::NtpConf),
            place("more", Some(".sources"), Format::Chrony),
            place("missing.conf", None, Format::Timesyncd),
            place("missing", Some(".conf"), Format::Chrony),
        ]);
        let hosts: Vec<_> =
            offer.sources.iter().map(|source| source.association.host.to_string()).collect();
        assert_eq!(hosts, ["a.example", "b.example", "d.example", "c.example"]);
        assert!(offer.sources[3].path.ends_with("more/2.sources"));
        let [(path, why)] = &offer.unreadable[..] else { panic!("{:?}", offer.unreadable) };
        assert!(path.ends_with("broken.conf") && why.contains("line 1"), "{why}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
