use super::*;
use crate::evidence::signature::HeldKey;
use crate::log::{Extension, ForkProof, WitnessError, check_and_cosign, leaf_hash};
use proptest::prelude::*;

const ORIGIN: &str = "ecluse.example/gw1";

fn key(seed: u8) -> HeldKey {
    HeldKey::from_seed(&[seed; 32]).unwrap()
}

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size,
        root: leaf_hash(&size.to_be_bytes()),
        at_us: 1_795_600_800_123_456,
    }
}

fn log_key(seed: u8) -> VerifierKey {
    VerifierKey::log(ORIGIN, key(seed).public()).unwrap()
}

#[test]
fn the_example_of_the_specification_verifies() {
    // https://c2sp.org/signed-note, "Example": the verifier key and the note of Go's sumdb/note package.
    let key: VerifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        .parse()
        .unwrap();
    let note = SignedNote::parse(
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
    )
    .unwrap();
    assert_eq!(note.check(&key), Ok(None));
    assert_eq!(
        note.verify(&key),
        Err(NoteError::Checkpoint(
            "its second line is not a number of entries"
        ))
    );
}

#[test]
fn a_checkpoint_is_believed_from_its_logs_key_only() {
    let note = SignedNote::sign(&checkpoint(5), &key(1)).unwrap();
    assert_eq!(note.verify(&log_key(1)), Ok(checkpoint(5)));
    assert_eq!(
        note.verify(&log_key(2)),
        Err(NoteError::NotSigned(ORIGIN.to_owned()))
    );
    let read = SignedNote::parse(&note.text()).unwrap();
    assert_eq!(read, note);
    let changed = SignedNote::parse(&note.text().replacen("\n5\n", "\n6\n", 1)).unwrap();
    assert_eq!(
        changed.verify(&log_key(1)),
        Err(NoteError::DoesNotHold(ORIGIN.to_owned()))
    );
    // The same key, signing in the name of another log.
    let mut elsewhere = checkpoint(5);
    elsewhere.origin = "other.example".to_owned();
    let mut foreign = SignedNote::sign(&elsewhere, &key(1)).unwrap();
    foreign.signatures[0].name = ORIGIN.to_owned();
    foreign.signatures[0].id = log_key(1).id();
    assert!(matches!(
        foreign.verify(&log_key(1)),
        Err(NoteError::Origin { .. })
    ));
}

#[test]
fn a_cosignature_binds_its_time_and_is_no_signature_of_the_log() {
    let note = SignedNote::sign(&checkpoint(5), &key(1)).unwrap();
    let cosigned = note
        .cosign("client.example", &key(3), 1_795_600_900)
        .unwrap();
    let witness = VerifierKey::cosigner("client.example", key(3).public()).unwrap();
    assert_eq!(cosigned.cosigned_at(&witness), Ok(Some(1_795_600_900)));
    assert_eq!(cosigned.verify(&witness), Ok(checkpoint(5)));
    assert_eq!(cosigned.cosigned_at(&log_key(1)), Ok(None));
    assert_eq!(cosigned.cosigners().collect::<Vec<_>>(), ["client.example"]);
    assert_eq!(SignedNote::parse(&cosigned.text()), Ok(cosigned.clone()));

    // Another time under the same signature.
    let mut later = cosigned.clone();
    later.signatures[1].bytes[7] ^= 1;
    assert_eq!(
        later.cosigned_at(&witness),
        Err(NoteError::DoesNotHold("client.example".to_owned()))
    );
    // A cosignature is not one of a log, and the other way round.
    let as_log = VerifierKey::log("client.example", key(3).public()).unwrap();
    assert_eq!(
        cosigned.verify(&as_log),
        Err(NoteError::NotSigned("client.example".to_owned()))
    );
    let mut crossed = cosigned.clone();
    crossed.signatures[1].id = as_log.id();
    assert_eq!(
        crossed.verify(&as_log),
        Err(NoteError::DoesNotHold("client.example".to_owned()))
    );
    // Cosigning again replaces.
    let again = cosigned
        .cosign("client.example", &key(3), 1_795_601_000)
        .unwrap();
    assert_eq!(again.signers().count(), 2);
    assert_eq!(again.cosigned_at(&witness), Ok(Some(1_795_601_000)));
}

#[test]
fn a_note_has_one_form() {
    let text = SignedNote::sign(&checkpoint(5), &key(1)).unwrap().text();
    let line = text.lines().last().unwrap().to_owned();
    for other in [
        String::new(),
        "\n\n".to_owned(),
        text.trim_end().to_owned(),
        text.replace('\n', "\r\n"),
        text.replace("\u{2014} ", "- "),
        text.replace("\u{2014} ", "\u{2014}"),
        text.replace("\n\n", "\n"),
        format!("{text}\n"),
        format!("{text}{line}\n"),
        format!("{text}\u{2014} x AAAA\n"),
        format!("{text}\u{2014} a+b AAAAAAAA\n"),
        format!("{text}\u{2014}  AAAAAAAA\n"),
        format!("{text}\u{2014} x AAAAAAA\n"),
        format!("{text}\u{2014} x AAAAAAAA \n"),
        text.replacen('\n', "\t\n", 1),
        "a".repeat(MAX_NOTE + 1),
        text.clone()
            + &(0..MAX_SIGNATURES)
                .map(|n| format!("\u{2014} w{n} AAAAAAAA\n"))
                .collect::<String>(),
    ] {
        assert!(SignedNote::parse(&other).is_err(), "{other:?}");
    }
    assert!(SignedNote::parse(&format!("{text}\u{2014} x AAAAAAAA\n")).is_ok());
}

#[test]
fn keys_read_as_they_are_written() {
    for key in [
        log_key(1),
        VerifierKey::cosigner("client.example", key(2).public()).unwrap(),
    ] {
        let text = key.to_string();
        assert_eq!(text.parse(), Ok(key));
        for other in [
            format!("{text}A"),
            format!(" {text}"),
            text.replacen('+', " ", 1),
            text.replacen('e', "f", 1),
            text.to_uppercase(),
            "x".repeat(1000),
        ] {
            assert!(other.parse::<VerifierKey>().is_err(), "{other}");
        }
    }
    assert_eq!(
        VerifierKey::parse_all(&format!("# logs\n\n{}\n", log_key(1))),
        Ok(vec![log_key(1)])
    );
    for name in ["", "a b", "a+b", "a\nb", "a\u{202e}b", &"a".repeat(256)] {
        assert!(VerifierKey::log(name, [0; 32]).is_err());
    }
    // What could not be read back is not signed.
    let mut bad = checkpoint(1);
    bad.origin = "a b".to_owned();
    assert!(SignedNote::sign(&bad, &key(1)).is_err());
    bad = checkpoint(u64::MAX);
    assert!(SignedNote::sign(&bad, &key(1)).is_err());
}

#[test]
fn a_witness_refuses_rollback_and_fork() {
    let mut log = crate::log::Frontier::new();
    let mut nodes = std::collections::HashMap::new();
    let mut heads = Vec::new();
    for entry in 0u64..9 {
        for (level, index, hash) in log.push(leaf_hash(&entry.to_be_bytes())) {
            nodes.insert((level, index), hash);
        }
        heads.push(Checkpoint {
            root: log.root(),
            size: log.size(),
            ..checkpoint(0)
        });
    }
    let sign = |head: &Checkpoint| SignedNote::sign(head, &key(1)).unwrap();
    let proof =
        |old, new| crate::log::consistency_proof(old, new, &|id| nodes.get(&id).copied()).unwrap();
    let ask = |previous: Option<&Checkpoint>, next: &SignedNote, proof: &[crate::log::Hash]| {
        check_and_cosign(previous, next, proof, &log_key(1), &key(3), "client", 7)
    };
    let (five, eight) = (&heads[4], &heads[7]);

    let witness = VerifierKey::cosigner("client", key(3).public()).unwrap();
    for (previous, next, proof) in [
        (None, five, vec![]),
        (Some(five), five, vec![]),
        (Some(five), eight, proof(5, 8)),
    ] {
        let cosigned = ask(previous, &sign(next), &proof).unwrap();
        assert_eq!(cosigned.cosigned_at(&witness), Ok(Some(7)));
        assert_eq!(cosigned.verify(&log_key(1)).as_ref(), Ok(next));
    }
    assert_eq!(
        ask(Some(eight), &sign(five), &proof(5, 8)),
        Err(WitnessError::Rollback { old: 8, new: 5 })
    );
    let forked = Checkpoint {
        root: leaf_hash(b"forked"),
        ..eight.clone()
    };
    assert_eq!(
        ask(Some(eight), &sign(&forked), &[]),
        Err(WitnessError::Fork { size: 8 })
    );
    assert!(matches!(
        ask(Some(five), &sign(&forked), &proof(5, 8)),
        Err(WitnessError::NotJoined { old: 5, new: 8, .. })
    ));
    assert!(matches!(
        ask(Some(five), &sign(eight), &[]),
        Err(WitnessError::NotJoined { .. })
    ));
    let other = Checkpoint {
        origin: "other".to_owned(),
        ..five.clone()
    };
    assert!(matches!(
        ask(Some(&other), &sign(eight), &proof(5, 8)),
        Err(WitnessError::OtherLog { .. })
    ));
    let stranger = SignedNote::sign(eight, &key(2)).unwrap();
    assert!(matches!(
        ask(Some(five), &stranger, &proof(5, 8)),
        Err(WitnessError::Note(NoteError::NotSigned(_)))
    ));

    let found = ForkProof::find(&sign(eight), &sign(&forked), &log_key(1))
        .unwrap()
        .unwrap();
    assert_eq!(found.size(), 8);
    assert_eq!(found.notes(), (&sign(eight), &sign(&forked)));
    assert_eq!(
        ForkProof::find(&sign(eight), &sign(eight), &log_key(1)),
        Ok(None)
    );
    assert_eq!(
        ForkProof::find(&sign(eight), &sign(five), &log_key(1)),
        Ok(None)
    );
    assert!(ForkProof::find(&sign(eight), &stranger, &log_key(1)).is_err());

    let extension = Extension {
        old: 5,
        proof: proof(5, 8),
        note: sign(eight),
    };
    let text = extension.text();
    assert_eq!(Extension::parse(&text), Ok(extension));
    for other in [
        text.replacen("old 5", "old 05", 1),
        text.replacen("old 5", "5", 1),
        text.replacen("old 5\n", "old 5\n\n", 1),
        text.replacen(
            "old 5\n",
            &format!(
                "old 5\n{}",
                format!("{}\n", forked.root.to_base64()).repeat(64)
            ),
            1,
        ),
        text.replacen("old 5\n", "old 5\nAAAA\n", 1),
        "old 1\n".to_owned(),
        "x".repeat(200_000),
    ] {
        assert!(Extension::parse(&other).is_err(), "{other}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic_and_comes_back(text in "[\\n a-z+=\u{2014}0-9]{0,80}") {
        if let Ok(note) = SignedNote::parse(&text) {
            prop_assert_eq!(note.text(), text.clone());
        }
        let _ = Extension::parse(&text);
        let _ = text.parse::<VerifierKey>();
    }

    /// No single changed byte leaves a note that still verifies as something else.
    #[test]
    fn a_changed_byte_never_verifies_as_another_checkpoint(at in 0usize..300, to in any::<u8>()) {
        let note = SignedNote::sign(&checkpoint(5), &key(1)).unwrap();
        let mut bytes = note.text().into_bytes();
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(text) = String::from_utf8(bytes)
            && let Ok(read) = SignedNote::parse(&text)
            && let Ok(found) = read.verify(&log_key(1))
        {
            prop_assert_eq!(found, checkpoint(5));
        }
    }
}
