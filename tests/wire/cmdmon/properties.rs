//! What holds for all bytes and numbers of chronyd's protocol.

use ntpscope::wire::cmdmon::{
    COMMANDS, Command, Float, REPLY_HEADER_LEN, REPLY_TYPES, Reply, Report, Request, RequestKey,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Bytes that begin as a packet of this protocol does, half of the time.
fn datagram() -> impl Strategy<Value = Vec<u8>> {
    (any::<bool>(), 1..3_u8, vec(any::<u8>(), 0..600)).prop_map(|(likely, kind, mut bytes)| {
        if likely && let Some(first) = bytes.first_chunk_mut::<4>() {
            *first = [6, kind, 0, 0];
        }
        bytes
    })
}

/// A reply of chronyd's with an honest header and any data, of the length that its type has or a
/// little more or less; the first words of the data, where counts stand, are often small.
fn cmdmon_reply() -> impl Strategy<Value = Vec<u8>> {
    let pairs: Vec<_> = COMMANDS
        .iter()
        .flat_map(|row| row.replies.iter().map(move |reply| (row.command, *reply)))
        .collect();
    let data = vec(any::<u8>(), 0..540);
    let counts = proptest::option::of(vec(0..20_u32, 1..8));
    let more_or_less = prop_oneof![4 => Just(0), 1 => -3..20_isize];
    (prop::sample::select(pairs), data, counts, more_or_less, 0..4_u16, any::<u32>()).prop_map(
        |((command, reply), mut data, counts, more_or_less, status, sequence)| {
            let row = REPLY_TYPES.iter().find(|row| row.reply == reply).unwrap();
            let len = (row.len - REPLY_HEADER_LEN).saturating_add_signed(more_or_less);
            data.resize(len, 0);
            for (word, count) in data.chunks_exact_mut(4).zip(counts.unwrap_or_default()) {
                word.copy_from_slice(&count.to_be_bytes());
            }
            let mut bytes = vec![6, 2, 0, 0];
            for word in [command.number(), reply.number(), status, 0, 0, 0] {
                bytes.extend(word.to_be_bytes());
            }
            bytes.extend(sequence.to_be_bytes());
            bytes.extend([0; 8]);
            bytes.extend(data);
            bytes
        },
    )
}

/// A request to chronyd with an honest header and any data.
fn cmdmon_request() -> impl Strategy<Value = Vec<u8>> {
    let commands: Vec<_> = COMMANDS.iter().map(|row| row.command).collect();
    let command = prop_oneof![
        9 => prop::sample::select(commands),
        1 => any::<u16>().prop_map(Command::new),
    ];
    (command, any::<u16>(), any::<u32>(), vec(any::<u8>(), 0..400), 0..4_u8).prop_map(
        |(command, attempt, sequence, mut data, small)| {
            // Where a kind or an option stands, most numbers have no meaning.
            if let Some(word) = data.first_chunk_mut::<4>() {
                *word = [0, 0, 0, small];
            }
            let mut bytes = vec![6, 1, 0, 0];
            bytes.extend(command.number().to_be_bytes());
            bytes.extend(attempt.to_be_bytes());
            bytes.extend(sequence.to_be_bytes());
            bytes.extend([0; 8]);
            bytes.extend(data);
            bytes
        },
    )
}

proptest! {
    #[test]
    fn replies_of_chronyd_survive_any_bytes(bytes in prop_oneof![
        3 => cmdmon_reply(),
        1 => datagram(),
    ]) {
        if let Ok(reply) = Reply::parse(&bytes) {
            let again = reply.emit();
            prop_assert!(again.len() <= bytes.len(), "no more than what came");
            let read = Reply::parse(&again).unwrap();
            prop_assert_eq!(&read, &reply);
            prop_assert_eq!(&again[..10], &bytes[..10]);
            prop_assert_eq!(&again[16..20], &bytes[16..20]);
            match &reply.report {
                Report::ClientAccesses(part) => prop_assert!(part.clients.len() <= 8),
                Report::ManualList(list) => prop_assert!(list.samples.len() <= 16),
                _ => {}
            }
        }
    }

    #[test]
    fn a_whole_reply_of_chronyd_with_floats_is_emitted_byte_for_byte(
        words in vec(any::<u32>(), 12),
    ) {
        // SOURCESTATS, which has no byte that is not looked at, once its address is in order.
        let mut bytes = Vec::from(*b"\x06\x02\0\0\0\x22\0\x06\0\0\0\0\0\0\0\0");
        bytes.extend(words[0].to_be_bytes());
        bytes.extend([0; 8]);
        bytes.extend(words[1].to_be_bytes());
        bytes.extend(words[2].to_be_bytes());
        bytes.extend(*b"\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0");
        bytes.extend(words[3..11].iter().flat_map(|word| word.to_be_bytes()));
        prop_assert_eq!(Reply::parse(&bytes).unwrap().emit(), bytes);
    }

    #[test]
    fn requests_to_chronyd_survive_any_bytes(bytes in prop_oneof![
        3 => cmdmon_request(),
        1 => datagram(),
    ]) {
        if let Ok(request) = Request::parse(&bytes) {
            let again = request.emit();
            let read = Request::parse(&again).unwrap();
            prop_assert_eq!(RequestKey::from(&read), RequestKey::from(&request));
            prop_assert_eq!(read.emit(), again);
            if request.body.command().row().is_some_and(|row| row.data_len > 0) {
                prop_assert_eq!(read, request);
            }
        }
    }

    #[test]
    fn numbers_of_chronyd_are_near_what_was_meant(value in any::<f64>()) {
        let carried = Float::new(value).value();
        prop_assert!(carried.is_finite());
        if value.is_nan() {
            prop_assert_eq!(carried.to_bits(), 0);
        } else if value.abs() < 4e18 {
            // The least of all coefficients counts 2^-89.
            let error = (value.abs() * 2.0_f64.powi(-23)).max(2.0_f64.powi(-88));
            prop_assert!((carried - value).abs() <= error);
        } else {
            prop_assert!(carried.abs() <= value.abs());
        }
    }

    #[test]
    fn numbers_of_chronyd_of_a_usual_size_are_near(
        coefficient in 1.0..2.0_f64,
        exponent in -60..62_i32,
        negative: bool,
    ) {
        let magnitude = coefficient * 2.0_f64.powi(exponent);
        let value = if negative { -magnitude } else { magnitude };
        let carried = Float::new(value);
        prop_assert!((carried.value() - value).abs() <= magnitude * 2.0_f64.powi(-23));
        prop_assert_eq!(Float::new(carried.value()), carried);
    }
}
