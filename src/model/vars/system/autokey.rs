//! The daemon's own part in Autokey; only daemons that were built with it know the names.

use crate::model::vars::variables;

// The letters: see the head of the table in `system.rs`.
variables! { AUTOKEY_ROWS, System, "autokey";
    AUTOKEY_HOST = "host" | "hostname", "autokey_host", Text, "bbbb...", Raw;
        "name in the daemon's own certificate";
    AUTOKEY_IDENTITY = "ident" | "group", "autokey_identity", Text, "bbbb...", Raw;
        "group whose identity scheme it uses";
    AUTOKEY_FLAGS = "flags", "autokey_flags", Bits, "bbbb...", Raw;
        "what of Autokey it was configured with";
    AUTOKEY_DIGEST = "digest", "autokey_digest", Text, "bbbb...", Raw;
        "digest that it uses";
    AUTOKEY_SIGNATURE = "signature", "autokey_signature", Text, "bbbb...", Raw;
        "digest and signature scheme that it uses";
    AUTOKEY_UPDATE = "update", "autokey_update", Date, "bbbb...", Raw;
        "when its public values were last made anew";
    AUTOKEY_CERTIFICATE = "cert", "autokey_certificate", Text, "bbbb...", Raw;
        "certificates it holds: subject, issuer and flags of each";
    AUTOKEY_UNTIL = "until", "autokey_until", Date, "bbbb...", Raw;
        "until when its certificate is valid";
}
