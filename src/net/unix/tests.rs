//! Sockets in folders of their own.

use std::fs::{self, Permissions};
use std::future::poll_fn;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixDatagram as Blocking, UnixListener, UnixStream};
use std::panic;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::*;

/// A folder with a daemon's socket in it, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("ntpscope-unix-{}-{number}", process::id());
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // An earlier process of this number was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    fn socket(&self) -> PathBuf {
        self.0.join("daemon.sock")
    }

    fn daemon(&self) -> Blocking {
        let daemon = Blocking::bind(self.socket()).unwrap();
        daemon.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        daemon
    }

    /// What is in it besides the daemon's socket.
    fn rest(&self) -> Vec<String> {
        let names = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        names.filter(|name| name != "daemon.sock").collect()
    }
}

/// The folder of this process.
fn own() -> String {
    format!("ntpscope.{}", process::id())
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::set_permissions(&self.0, Permissions::from_mode(0o755)));
        drop(fs::remove_dir_all(&self.0));
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn refused(path: &Path) -> Unreachable {
    block_on(async { Socket::connect(path).map(drop) }).unwrap_err()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn datagrams_go_there_and_back_and_nothing_stays() {
    let folder = Folder::new();
    let daemon = folder.daemon();
    let answer = block_on(async {
        let socket = Socket::connect(&folder.socket()).unwrap();
        socket.send(b"ping").unwrap();
        let mut buffer = [0; 16];
        let (length, from) = daemon.recv_from(&mut buffer).unwrap();
        let from = from.as_pathname().unwrap().to_owned();
        assert!(from.starts_with(folder.0.join(own())), "{from:?}");
        assert_eq!(mode(&from), 0o666);
        assert_eq!(mode(from.parent().unwrap()), 0o711);
        assert_eq!(mode(from.parent().unwrap().parent().unwrap()), 0o711);
        daemon.send_to(&buffer[..length], &from).unwrap();
        let received = poll_fn(|context| socket.poll_receive(context, &mut buffer)).await;
        received.map(|length| buffer[..length].to_vec())
    });
    assert_eq!(answer, Ok(b"ping".to_vec()));
    assert_eq!(folder.rest(), [""; 0]);
}

#[test]
fn several_of_one_process_share_its_folder() {
    let folder = Folder::new();
    let _daemon = folder.daemon();
    block_on(async {
        let first = Socket::connect(&folder.socket()).unwrap();
        let second = Socket::connect(&folder.socket()).unwrap();
        drop(first);
        second.send(b"still there").unwrap();
        assert_eq!(folder.rest(), [own()]);
    });
    assert_eq!(folder.rest(), [""; 0]);
}

#[test]
fn a_panic_leaves_nothing_either() {
    let folder = Folder::new();
    let _daemon = folder.daemon();
    let outcome = panic::catch_unwind(|| {
        block_on(async {
            let _socket = Socket::connect(&folder.socket()).unwrap();
            panic!("on purpose");
        });
    });
    assert!(outcome.is_err());
    assert_eq!(folder.rest(), [""; 0]);
}

#[test]
fn what_is_no_daemon_is_told_and_leaves_nothing() {
    let folder = Folder::new();
    assert_eq!(refused(&folder.socket()), Unreachable::NoSocket);
    assert_eq!(refused(&folder.0.join("none/daemon.sock")), Unreachable::NoSocket);
    drop(folder.daemon());
    assert_eq!(refused(&folder.socket()), Unreachable::SocketAbandoned);
    assert_eq!(refused(&folder.socket().join("x")), Unreachable::NoSocket);
    fs::remove_file(folder.socket()).unwrap();
    fs::write(folder.socket(), "").unwrap();
    assert_eq!(refused(&folder.socket()), Unreachable::SocketUnfit);
    fs::remove_file(folder.socket()).unwrap();
    let _listener = UnixListener::bind(folder.socket()).unwrap();
    assert_eq!(refused(&folder.socket()), Unreachable::SocketUnfit);
    assert_eq!(refused(&folder.0), Unreachable::SocketUnfit);
    assert_eq!(folder.rest(), [""; 0]);
}

#[test]
fn a_daemon_that_ends_is_noticed_when_it_is_asked() {
    let folder = Folder::new();
    let daemon = folder.daemon();
    block_on(async {
        let socket = Socket::connect(&folder.socket()).unwrap();
        socket.send(b"ping").unwrap();
        drop(daemon);
        assert_eq!(socket.send(b"ping"), Err(Unreachable::SocketAbandoned));
        assert_eq!(socket.send(b"ping"), Err(Unreachable::SocketAbandoned));
    });
}

#[test]
fn a_queue_that_is_full_loses_what_is_sent() {
    let folder = Folder::new();
    let _daemon = folder.daemon();
    block_on(async {
        let socket = Socket::connect(&folder.socket()).unwrap();
        for _ in 0..10_000 {
            socket.send(&[0; 500]).unwrap();
        }
    });
}

#[test]
fn a_folder_for_others_is_told() {
    // Nobody refuses root anything; `tests/cli` sees to it that others are refused.
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        return;
    }
    let folder = Folder::new();
    let _daemon = folder.daemon();
    for mode in [0o500, 0o000] {
        fs::set_permissions(&folder.0, Permissions::from_mode(mode)).unwrap();
        assert_eq!(refused(&folder.socket()), Unreachable::SocketDenied);
    }
}

#[test]
fn what_a_killed_process_left_is_removed_and_nothing_else() {
    let folder = Folder::new();
    let _daemon = folder.daemon();
    let leave = |process: &str, name: &str| {
        let inner = folder.0.join(process).join(name);
        fs::create_dir_all(&inner).unwrap();
        Blocking::bind(inner.join("sock")).unwrap()
    };
    // No process has such a number.
    drop(leave("ntpscope.4194999", "abcdefghijklmnop"));
    drop(leave("ntpscope.4194998", "too-short"));
    drop(leave("chronyc.4194997", "abcdefghijklmnop"));
    drop(leave("ntpscope.1", "abcdefghijklmnop"));
    let held = leave("ntpscope.4194996", "abcdefghijklmnop");
    fs::create_dir(folder.0.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", folder.0.join("ntpscope.4194995")).unwrap();
    block_on(async { Socket::connect(&folder.socket()).map(drop) }).unwrap();
    let mut rest = folder.rest();
    rest.sort();
    assert_eq!(
        rest,
        [
            "chronyc.4194997",
            "elsewhere",
            "ntpscope.1",
            "ntpscope.4194995",
            "ntpscope.4194996",
            "ntpscope.4194998"
        ]
    );
    drop(held);
    block_on(async { Socket::connect(&folder.socket()).map(drop) }).unwrap();
    assert!(!folder.0.join("ntpscope.4194996").exists());
}

#[test]
fn streams_are_no_datagrams() {
    // What the system says of the wrong kind of socket, told apart from its other refusals.
    let folder = Folder::new();
    let _daemon = folder.daemon();
    let error = UnixStream::connect(folder.socket()).unwrap_err();
    assert_eq!(unreachable(&error), Some(Unreachable::SocketUnfit));
}
