//! What is told while the engine runs, and what of it outlives a file that is read anew.

use std::fs;
use std::path::Path;

use socket2::SockRef;

use super::*;
use crate::config::ntp_conf::{in_order, include};

/// What a file with this text sets up.
fn file(text: &str) -> EngineSetup {
    let found = |_: &Path| Ok(include::Found::File(text.as_bytes().to_vec()));
    let followed = include::follow(Path::new("/etc/ntp.conf"), found).unwrap();
    let directives = in_order(followed.directives);
    EngineSetup { directives, text: followed.text, ..EngineSetup::default() }
}

/// An engine that follows a file, and does not run by itself.
fn driver(text: &str) -> (Driver<Adjtimex>, Receiver<News>) {
    let setup = Setup { engine: file(text), ..observing(&[]) };
    let built = build(setup, Steered::observing(Bracket::read()), None);
    let Built { driver, news, .. } = built.unwrap_or_else(|failed| panic!("{failed}"));
    (driver, news)
}

fn sources(driver: &Driver<Adjtimex>) -> Vec<String> {
    driver.engine.associations().map(|each| each.origin.host.to_string()).collect()
}

#[test]
fn a_file_that_is_read_anew_is_saved_with_the_sources_that_were_told() {
    block_on(async {
        let (mut driver, _news) = driver("# old\nserver 192.0.2.1\nserver 192.0.2.2\n");
        let told = "server 192.0.2.3\nserver 192.0.2.4 iburst\ntos minsane 2\nunconfig 192.0.2.1";
        assert_eq!(driver.configure(told.as_bytes()), "Config Succeeded");
        let new = "# new\nserver 192.0.2.1\nserver 192.0.2.3 key 1\n";
        driver.reload(file(new));
        let saved = driver.serving.control.text.to_string();
        assert_eq!(saved, format!("{new}\n# Told besides\nserver 192.0.2.4 iburst\n"));
        // It is what is followed.
        let mut followed = sources(&driver);
        followed.sort();
        assert_eq!(followed, ["192.0.2.1", "192.0.2.3", "192.0.2.4"]);
        assert_ne!(driver.engine.mitigation().minsane, 2);
    });
}

#[test]
fn a_leap_seconds_file_that_was_told_is_read_as_often_as_one_of_the_file() {
    let name = format!("ntpscope-told-leaps-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let leaps = |end| format!("#@ {end}\n2272060800 10\n3692217600 11\n");
    fs::write(&path, leaps(4_102_444_800_u64)).unwrap();
    block_on(async {
        let (mut driver, mut news) = driver("server 192.0.2.1\n");
        driver.look_at_leap_file();
        assert_eq!(driver.errands.len(), 0, "none is named");
        let told = format!("leapfile {} ignorehash", path.display());
        assert_eq!(driver.configure(told.as_bytes()), "Config Succeeded");
        let first = driver.engine.leap_table().cloned().unwrap();
        fs::write(&path, leaps(4_102_531_200_u64)).unwrap();
        driver.look_at_leap_file();
        let heard = tokio::time::timeout(Duration::from_secs(60), news.recv()).await.unwrap();
        driver.take(heard.unwrap());
        assert_ne!(driver.engine.leap_table(), Some(&first));
        // A file that names none is told of none.
        driver.reload(file("server 192.0.2.1\n"));
        assert_eq!((driver.engine.leap_table(), &driver.leap_file), (None, &None));
    });
    fs::remove_file(&path).unwrap();
}

#[test]
fn nothing_of_a_file_that_is_named_from_afar_is_answered() {
    let name = format!("ntpscope-told-secret-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    fs::write(&path, "1 MD5 x\nhunter2 hunter2 hunter2\n").unwrap();
    let (keys, leaps) = block_on(async {
        let (mut driver, _news) = driver("server 192.0.2.1\n");
        let mut told =
            |word: &str| driver.configure(format!("{word} {}", path.display()).as_bytes());
        (told("keys"), told("leapfile"))
    });
    fs::remove_file(&path).unwrap();
    let path = path.display();
    assert_eq!(keys, format!("column 0 cannot use {path}: line 2, column 1"));
    assert_eq!(leaps, format!("column 0 cannot use {path}: line 1, column 1"));
}

#[test]
fn names_without_an_address_are_looked_up_no_more_when_their_line_is_gone() {
    block_on(async {
        let (mut driver, _news) = driver("server 192.0.2.1\nrestrict nobody.invalid ignore\n");
        driver.look_up_restricted();
        assert_eq!(driver.look_ups.len(), 1);
        driver.reload(file("server 192.0.2.1\n"));
        let ended = driver.look_ups.join_next().await.unwrap();
        assert!(ended.unwrap_err().is_cancelled());
        driver.look_up_restricted();
        assert!(driver.look_ups.is_empty());
    });
}

#[test]
fn what_is_sent_is_marked_otherwise_when_that_is_told() {
    block_on(async {
        let (mut driver, _news) = driver("server 192.0.2.1\n");
        driver.port = NtpPort::new(free_port(), Marking::default());
        assert!(driver.port.open_all().is_empty());
        let byte = |driver: &Driver<Adjtimex>| {
            SockRef::from(driver.port.wildcard(true).unwrap()).tos_v4().unwrap()
        };
        assert_eq!(driver.configure(b"dscp 10"), "Config Succeeded");
        assert_eq!(byte(&driver), 10 << 2);
        driver.reload(file("server 192.0.2.1\ndscp 8\n"));
        assert_eq!(byte(&driver), 8 << 2);
        driver.reload(file("server 192.0.2.1\n"));
        assert_eq!(byte(&driver), 46 << 2);
    });
}
