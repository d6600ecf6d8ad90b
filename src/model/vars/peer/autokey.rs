//! What Autokey keeps about an association; only daemons that were built with it know the names.

use crate::model::vars::variables;

// The letters: see the head of the table in `peer.rs`.
variables! { AUTOKEY_ROWS, Peer, "autokey";
    AUTOKEY_FLAGS = "flags", "autokey_flags", Bits, "bbbb...", Raw;
        "how far the Autokey exchange with the source has come";
    AUTOKEY_HOST = "host" | "hostname", "autokey_host", Text, "bbbb...", Raw;
        "the source's name in its certificate";
    AUTOKEY_SIGNATURE = "signature" | "digest", "autokey_signature", Text, "bbbb...", Raw;
        "digest and signature scheme that the source uses";
    AUTOKEY_VALID = "valid", "autokey_valid", Date (Xntpd => Text), "bbbb...", Raw;
        "until when the source's certificate is valid";
    AUTOKEY_SEQUENCE = "initsequence", "autokey_sequence", Signed, "bbbb...", Raw;
        "number of the first key of the source's key list";
    AUTOKEY_KEY = "initkey", "autokey_key", Bits, "bbbb...", Raw;
        "first key of the source's key list";
    AUTOKEY_TIMESTAMP = "timestamp", "autokey_timestamp", Date, "bbbb...", Raw;
        "when the source signed its key list";
    AUTOKEY_IDENTITY = "ident" | "trust", "autokey_identity", Text, "bbbb...", Raw;
        "group whose identity scheme the source proves";
}
