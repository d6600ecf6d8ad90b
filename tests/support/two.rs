//! Two hosts of their own, each a network namespace, with one cable between them: real daemons on
//! one, the program on the other, and nobody with a right to set the clock.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::lab;

/// Where the program is.
pub(crate) const OURS: &str = "10.99.0.1";
/// Where the other daemon is.
pub(crate) const THEIRS: &str = "10.99.0.2";

/// Keys of three kinds, in ntpd's format.
pub(crate) const KEYS: &str = "1 MD5 secretmd5\n2 SHA1 another\n\
                               3 AES128CMAC 0123456789abcdef0123456789abcdef\n";

/// The same in chrony's.
pub(crate) const CHRONY_KEYS: &str = "1 MD5 ASCII:secretmd5\n2 SHA1 ASCII:another\n\
                                      3 AES128 HEX:0123456789abcdef0123456789abcdef\n";

/// The unpacked daemons, or why there are none.
pub(crate) fn daemons() -> Result<PathBuf, String> {
    let output = lab::lab(&["fetch"]);
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(said.lines().last().unwrap_or("tests/lab fetch failed").to_owned());
    }
    let folder = std::env::var_os("NTPSCOPE_PEERS_DIR")
        .map_or_else(|| lab::target().join("peers"), PathBuf::from);
    let tried = Command::new("unshare")
        .args(["-Urnmpf", "--mount-proc", "true"])
        .stderr(Stdio::null())
        .status();
    match tried {
        Ok(status) if status.success() => Ok(folder.join("bin")),
        _ => Err("`unshare -Urnmpf` makes no namespaces".to_owned()),
    }
}

/// Two hosts, and a folder for what they need.
pub(crate) struct Two {
    folder: PathBuf,
    daemons: PathBuf,
}

impl Two {
    /// With a folder of this name.
    pub(crate) fn new(name: &str, daemons: &Path) -> Self {
        let folder = std::env::temp_dir().join(format!("ntpscope-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder of our own");
        Self { folder, daemons: daemons.to_owned() }
    }

    /// Writes a file; where it is. Nobody else may read it.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        fs::write(&path, text).expect("a file of our own");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        path.display().to_string()
    }

    /// What shows, in a shell on our host, how the program saw things last.
    pub(crate) fn told_last(&self) -> String {
        format!("grep '\"ntpscope/daemon/' {}/ours.json | tail -n 1", self.folder.display())
    }

    /// Starts `theirs` on the one host and the program with the configuration `ours` on the other,
    /// and runs `then`, lines of a shell on our host, after `seconds`. What all of that printed.
    ///
    /// In the lines `$BIN` is the folder of the daemons, `$THERE` what runs a command on the other
    /// host. All that they start ends with them.
    pub(crate) fn run(&self, theirs: &str, ours: &str, seconds: u32, then: &str) -> String {
        let conf = self.file("ntp.conf", ours);
        let script = format!(
            r#"set -e
            BIN={bin} ; export BIN
            ip link set lo up
            unshare -n sleep 600 &
            OTHER=$!
            THERE="nsenter -t $OTHER -n setpriv --bounding-set -sys_time --inh-caps -sys_time --"
            n=0
            while [ "$(readlink /proc/$OTHER/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do
                n=$((n + 1)); [ $n -lt 600 ] || exit 1; sleep 0.1
            done
            ip link add ours type veth peer name theirs netns $OTHER
            ip addr add {OURS}/24 brd 10.99.0.255 dev ours
            ip link set ours up
            nsenter -t $OTHER -n sh -c 'ip link set lo up; ip addr add {THEIRS}/24 brd 10.99.0.255 dev theirs; ip link set theirs up; ip route add 224.0.0.0/4 dev theirs'
            {theirs}
            {program} run --json -c {conf} >{folder}/ours.json 2>{folder}/ours.log &
            OURS=$!
            sleep {seconds}
            {then}
            # What it has begun to write it writes to the end of the line.
            kill $OURS; wait $OURS || :
            echo "--- ours"
            {told_last}
            "#,
            told_last = self.told_last(),
            bin = self.daemons.display(),
            folder = self.folder.display(),
            program = lab::program().display(),
        );
        let output = Command::new("timeout")
            .args([
                "300",
                "unshare",
                "-Urnmpf",
                "--kill-child",
                "--mount-proc",
                "sh",
                "-c",
                &script,
            ])
            .stdin(Stdio::null())
            .output()
            .expect("a shell can be started");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let log = fs::read_to_string(self.folder.join("ours.log")).unwrap_or_default();
        assert!(
            output.status.success(),
            "{said}\n{}\n--- our log\n{log}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }
}

impl Drop for Two {
    fn drop(&mut self) {
        // What was left by a test that failed is of use to nobody.
        drop(fs::remove_dir_all(&self.folder));
    }
}
