use std::collections::BTreeSet;

use super::*;

const SCOPES: [Scope; 3] = [Scope::System, Scope::Peer, Scope::Clock];

#[test]
fn no_two_rows_of_a_scope_share_a_name_an_alias_or_a_json_name() {
    for scope in SCOPES {
        let (mut names, mut fields) = (BTreeSet::new(), BTreeSet::new());
        for row in table(scope) {
            assert_eq!(row.scope, scope, "{}", row.name);
            for name in std::iter::once(&row.name).chain(row.aliases) {
                assert!(names.insert(*name), "{name} twice in {scope:?}");
            }
            assert!(fields.insert(row.json_name()), "{} twice in {scope:?}", row.field);
        }
    }
}

#[test]
fn every_meaning_is_a_sentence_without_its_full_stop() {
    for row in SCOPES.iter().flat_map(|scope| table(*scope)) {
        let words = row.meaning.split(' ').count();
        assert!(words >= 3 || row.meaning.len() > 12, "{}: {}", row.name, row.meaning);
        assert!(!row.meaning.ends_with('.') && !row.meaning.contains("  "), "{}", row.name);
        assert!(
            row.field.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        );
    }
}
