//! What the engine in this process could measure: the sources of this host's own configuration.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::backend::{Offer, Offered};
use crate::config::ntp_conf::include::Found;
use crate::config::own_sources::{self, Format, OwnSource, PLACES, Place};
use crate::net::programs;

/// Looks through the configuration of this host's daemons. Reads files, so it takes its time;
/// `found` tells what of an ntp.conf is at a path, or why that cannot be had.
pub fn look(found: fn(&Path) -> Result<Found, String>) -> Offer {
    Offer { beside: programs::running(), ..look_through(&PLACES, found) }
}

fn look_through(places: &[Place], found: fn(&Path) -> Result<Found, String>) -> Offer {
    let mut offer = Offer::default();
    // By their names, wherever they are: a later place's stands for an earlier one's.
    let mut timesyncd = BTreeMap::new();
    for place in places {
        let files = match files(place) {
            Ok(files) => files,
            Err(error) => {
                complain(&mut offer, Path::new(place.path), &error);
                continue;
            }
        };
        for file in files {
            match place.format {
                Format::NtpConf => take_ntpds(&mut offer, &file, found),
                Format::Chrony => take_chronys(&mut offer, &file, 0),
                Format::Timesyncd => {
                    // The main file has no folder of its own, and is the first.
                    let name = place.ending.and_then(|_| file.file_name());
                    timesyncd.insert(name.map(OsStr::to_owned), file);
                }
            }
        }
    }
    let mut texts = Vec::new();
    for file in timesyncd.into_values() {
        match fs::read_to_string(&file) {
            Ok(text) => texts.push((file, text)),
            Err(error) => complain(&mut offer, &file, &error),
        }
    }
    for source in own_sources::of_timesyncd(&texts) {
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

/// Takes in an ntp.conf and what it includes.
///
/// One that is included and cannot be read, as whoever runs this may not see the passwords that
/// distributions put into such, is told and the others are taken all the same: what it would
/// restrict is nothing to who only wants to know whom to ask.
fn take_ntpds(offer: &mut Offer, path: &Path, found: fn(&Path) -> Result<Found, String>) {
    // Most hosts have none, which is no error.
    if let Err(error) = fs::metadata(path) {
        return complain(offer, path, &error);
    }
    let unreadable = &mut offer.unreadable;
    let sources = own_sources::of_ntp_conf(path, |named| match found(named) {
        Err(why) if named != path => {
            unreadable.push((named.into(), why.into()));
            Ok(Found::File(Vec::new()))
        }
        found => found,
    });
    match sources {
        Ok(sources) => sources.into_iter().for_each(|source| add(offer, source)),
        Err(rejected) => offer.unreadable.push((path.into(), rejected.to_string().into())),
    }
}

/// Takes in a file of chrony's, which others name through so many.
fn take_chronys(offer: &mut Offer, path: &Path, depth: usize) {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return complain(offer, path, &error),
    };
    for source in own_sources::of_chrony(path, &text) {
        add(offer, source);
    }
    if depth == DEEPEST {
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
                    take_chronys(offer, file, depth + 1);
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
    fn a_drop_in_of_a_later_folder_stands_for_that_of_its_name_before() {
        let folder = std::env::temp_dir().join(format!("ntpscope-drop-in-{}", std::process::id()));
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        for inner in ["usr", "etc"] {
            fs::create_dir_all(folder.join(inner)).unwrap();
        }
        write("main.conf", "[Time]\nNTP=main.example\n");
        write("usr/10-a.conf", "[Time]\nNTP=masked.example\n");
        write("usr/30-c.conf", "[Time]\nNTP=c.example\n");
        write("etc/10-a.conf", "[Time]\nNTP=a.example\n");
        write("etc/20-b.conf", "[Time]\nNTP=b.example\n");
        let place = |name: &str, ending| {
            let path = kept(&folder.join(name));
            Place { path, ending, format: Format::Timesyncd }
        };
        let places =
            [place("main.conf", None), place("usr", Some(".conf")), place("etc", Some(".conf"))];
        let offer = look_through(&places, |path| Err(format!("{} is not asked", path.display())));
        fs::remove_dir_all(&folder).unwrap();
        let hosts: Vec<_> =
            offer.sources.iter().map(|source| source.association.host.to_string()).collect();
        assert_eq!(hosts, ["main.example", "a.example", "b.example", "c.example"]);
    }

    #[test]
    fn each_source_is_offered_once_and_what_cannot_be_read_is_told() {
        let folder = std::env::temp_dir().join(format!("ntpscope-offer-{}", std::process::id()));
        fs::create_dir_all(folder.join("more")).unwrap();
        let ntp_conf = "server a.example iburst\nincludefile more/site\nincludefile pw\n\
                        server b.example\n";
        fs::write(folder.join("ntp.conf"), ntp_conf).unwrap();
        fs::write(folder.join("more/site"), "server i.example\n").unwrap();
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
        let places = [
            place("ntp.conf", None, Format::NtpConf),
            place("broken.conf", None, Format::NtpConf),
            place("more", Some(".sources"), Format::Chrony),
            place("missing.conf", None, Format::Timesyncd),
            place("missing", Some(".conf"), Format::Chrony),
            place("chrony.conf", None, Format::Chrony),
        ];
        let offer = look_through(&places, |path| {
            fs::read(path).map(Found::File).map_err(|error| error.to_string())
        });
        let hosts: Vec<_> =
            offer.sources.iter().map(|source| source.association.host.to_string()).collect();
        assert_eq!(
            hosts,
            [
                "a.example",
                "i.example",
                "b.example",
                "d.example",
                "c.example",
                "p.example",
                "e.example"
            ]
        );
        assert!(offer.sources[1].path.ends_with("more/site"));
        assert!(offer.sources[4].path.ends_with("more/2.sources"));
        let [(secret, _), (path, why)] = &offer.unreadable[..] else {
            panic!("{:?}", offer.unreadable)
        };
        assert!(secret.ends_with("pw"));
        assert!(path.ends_with("broken.conf") && why.contains("line 1"), "{why}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
