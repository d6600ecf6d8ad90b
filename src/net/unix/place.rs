//! The path that a socket of ours is bound to, for as long as it is needed.
//!
//! It is `ntpscope.PID/RANDOM/sock` in the folder of the daemon's socket: programs that are confined
//! to certain folders share that one at least. The daemon may run as another user, who has to be able
//! to write to our socket, but owns the folder around ours and could put something else in its
//! place: nobody but us can list the outer folder of ours, so the name of the inner one is known to
//! the daemon alone, and whatever is done by name is done below folders that are held open.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process;

use crate::net::random;

/// Two folders of ours, one in the other, that are removed with all in them when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    /// Held open, so that it stays the one that we made whatever its name is used for.
    inner: Option<File>,
    inner_path: PathBuf,
    outer_path: PathBuf,
}

impl Place {
    /// Makes folders beside the daemon's socket at `path`; those that a process of ours has left
    /// there are removed.
    pub(super) fn beside(path: &Path) -> io::Result<Self> {
        let folder = path.parent().unwrap_or_else(|| Path::new("/"));
        remove_leftovers(folder);
        let outer_path = folder.join(format!("{PREFIX}{}", process::id()));
        // Another socket of this process may have it, or be about to leave it.
        let outer = match make_folder(&outer_path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open_own(&outer_path)?,
            made => made?,
        };
        let name = random_name()?;
        let inner_path = outer_path.join(&name);
        let mut place = Self { inner: None, inner_path, outer_path };
        place.inner = Some(make_folder(&below(&outer, &name))?);
        Ok(place)
    }

    /// What to bind to.
    pub(super) fn path(&self) -> PathBuf {
        self.inner_path.join(SOCKET)
    }

    /// Lets every user write to the socket that is bound.
    pub(super) fn let_all_write(&self) -> io::Result<()> {
        let Some(inner) = &self.inner else { return Ok(()) };
        fs::set_permissions(below(inner, SOCKET), Permissions::from_mode(0o666))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            drop(fs::remove_file(below(&inner, SOCKET)));
        }
        // Fails where another socket of this process is in it, which is the last to remove it; or
        // where it is gone already, with the folder around it perhaps. Nobody is there to be told.
        drop(fs::remove_dir(&self.inner_path));
        drop(fs::remove_dir(&self.outer_path));
    }
}

/// Makes a folder that everybody may pass through and nobody but its owner list.
fn make_folder(path: &Path) -> io::Result<File> {
    DirBuilder::new().mode(PASSABLE).create(path)?;
    let folder = open_own(path)?;
    // Whatever the umask took away.
    folder.set_permissions(Permissions::from_mode(PASSABLE))?;
    Ok(folder)
}

/// Opens a folder that belongs to this process's user; a link to one is not followed.
fn open_own(path: &Path) -> io::Result<File> {
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let folder = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let own = fs::metadata("/proc/self")?.uid();
    if folder.metadata()?.uid() == own {
        Ok(folder)
    } else {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

/// What is called `name` in an open folder.
fn below(folder: &File, name: &str) -> PathBuf {
    format!("/proc/self/fd/{}/{name}", folder.as_raw_fd()).into()
}

/// Sixteen letters and digits that nobody can guess.
fn random_name() -> io::Result<String> {
    let seed = random::seed()?;
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map(char::from);
    Ok(seed.iter().filter_map(letter).take(NAME_LEN).collect())
}

/// Removes what processes of ours left behind that were killed: folders by our name and of our
/// user, of a process that there is no more, with a socket that nobody has open. Whatever is in doubt
/// stays.
fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let Some(process) = process.and_then(|number| number.parse::<u32>().ok()) else { continue };
        if !Path::new("/proc").join(process.to_string()).exists() {
            remove_leftover(&entry.path());
        }
    }
}

/// Removes one of them, if it is one.
fn remove_leftover(outer_path: &Path) {
    let Ok(outer) = open_own(outer_path) else { return };
    let Ok(entries) = fs::read_dir(below(&outer, "")) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_name =
            |name: &str| name.len() == NAME_LEN && name.bytes().all(|b| LETTERS.contains(&b));
        let Some(name) = name.to_str().filter(|name| is_name(name)) else { continue };
        let Ok(inner) = open_own(&below(&outer, name)) else { continue };
        let socket = below(&inner, SOCKET);
        // A process in another space of numbers may well be alive: it holds its socket open.
        let is_held = UnixDatagram::unbound().and_then(|unbound| unbound.connect(&socket));
        if is_held.is_err_and(|why| why.kind() == io::ErrorKind::ConnectionRefused) {
            drop(fs::remove_file(socket));
            drop(fs::remove_dir(below(&outer, name)));
        }
    }
    // Fails where something is left in it.
    drop(fs::remove_dir(outer_path));
}

/// What the outer folder's name begins with; the number of its process follows.
const PREFIX: &str = "ntpscope.";

/// The socket's name.
const SOCKET: &str = "sock";

/// For all to pass, and for its owner to list.
const PASSABLE: u32 = 0o711;

/// Letters of the inner folder's name, and how many it has.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const NAME_LEN: usize = 16;
