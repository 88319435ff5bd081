//! Promises of keys: read strictly, one spelling each.

use std::process::Command;

use ecluse_policy::key::{Algorithm, Fingerprint, KeyError};
use ecluse_policy::*;
use proptest::prelude::*;

use crate::site::*;

fn wire(parts: &[&[u8]]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| [&u32::try_from(part.len()).unwrap().to_be_bytes()[..], part].concat())
        .collect()
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, KeyError> {
    PublicKey::from_blob(&wire(&[b"ssh-rsa", exponent, modulus]))
}

#[test]
fn keys_made_by_ssh_keygen_read_and_have_its_fingerprints() {
    let folder = std::env::temp_dir().join(format!("ecluse-policy-keys-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (kind, bits, algorithm) in [
        ("ed25519", "256", Algorithm::Ed25519),
        ("ecdsa", "256", Algorithm::EcdsaP256),
        ("ecdsa", "384", Algorithm::EcdsaP384),
        ("ecdsa", "521", Algorithm::EcdsaP521),
        ("rsa", "3072", Algorithm::Rsa),
    ] {
        let file = folder.join(format!("{kind}-{bits}"));
        let keygen = |arguments: &[&str]| {
            let output = Command::new("ssh-keygen")
                .args(arguments)
                .arg("-f")
                .arg(&file)
                .output()
                .expect("install openssh-client");
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let _ = keygen(&[
            "-q",
            "-t",
            kind,
            "-b",
            bits,
            "-N",
            "",
            "-C",
            "a comment with spaces",
        ]);
        let line = std::fs::read_to_string(file.with_extension("pub")).unwrap();
        let key = PublicKey::parse(line.trim_end()).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert!(keygen(&["-l"]).contains(key.fingerprint().as_str()));
        assert_eq!(PublicKey::parse(&key.to_line()).unwrap(), key);
        assert_eq!(PublicKey::from_blob(key.blob()).unwrap(), key);
        assert_eq!(
            serde_json::from_str::<PublicKey>(&serde_json::to_string(&key).unwrap()).unwrap(),
            key
        );
        let private = std::fs::read_to_string(&file).unwrap();
        assert_eq!(PublicKey::parse(&private), Err(KeyError::Private));
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn only_keys_of_the_french_profile_are_accepted() {
    let mut modulus = vec![0, 0x80];
    modulus.resize(385, 1);
    assert_eq!(
        rsa(&modulus, &[1, 0, 1]).unwrap().algorithm(),
        Algorithm::Rsa
    );
    assert_eq!(
        rsa(&modulus[..257], &[1, 0, 1]),
        Err(KeyError::RsaSize { bits: 2_048 })
    );
    let mut long = modulus.clone();
    long.resize(2_050, 1);
    assert!(matches!(
        rsa(&long, &[1, 0, 1]),
        Err(KeyError::RsaSize { .. })
    ));
    assert!(matches!(
        PublicKey::from_blob(&wire(&[b"ssh-dss", b"x"])),
        Err(KeyError::Algorithm { .. })
    ));
    assert_eq!(
        PublicKey::from_blob(&wire(&[b"ssh-ed25519-cert-v01@openssh.com", b"x"])),
        Err(KeyError::Certificate)
    );
    let sk = wire(&[b"sk-ssh-ed25519@openssh.com", &[7; 32], b"ssh:"]);
    assert_eq!(
        PublicKey::from_blob(&sk).unwrap().algorithm(),
        Algorithm::SkEd25519
    );
    assert!(
        PublicKey::from_blob(&wire(&[
            b"sk-ssh-ed25519@openssh.com",
            &[7; 32],
            b"https://x"
        ]))
        .is_err()
    );
}

/// A second spelling of a key would be a key that nobody revoked.
#[test]
fn a_key_has_one_spelling() {
    let good = key(7).blob().to_vec();
    let mut longer = good.clone();
    longer.push(0);
    assert!(
        PublicKey::from_blob(&longer).is_err(),
        "bytes after the end"
    );
    assert!(PublicKey::from_blob(&good[..good.len() - 1]).is_err());
    assert!(PublicKey::from_blob(&wire(&[b"ssh-ed25519", &[7; 33]])).is_err());
    let mut modulus = vec![0, 0, 0x80];
    modulus.resize(386, 1);
    assert!(
        rsa(&modulus, &[1, 0, 1]).is_err(),
        "a longer form of the same number"
    );
    let negative: Vec<u8> = modulus[2..].to_vec();
    assert!(rsa(&negative, &[1, 0, 1]).is_err(), "a negative number");
    for exponent in [&[][..], &[0], &[1], &[2], &[0, 3], &[0x80]] {
        assert!(rsa(&modulus[1..], exponent).is_err(), "{exponent:?}");
    }
    let compressed = [&[2u8][..], &[1; 32]].concat();
    assert!(
        PublicKey::from_blob(&wire(&[b"ecdsa-sha2-nistp256", b"nistp256", &compressed])).is_err()
    );
    let point = [&[4u8][..], &[1; 64]].concat();
    assert!(PublicKey::from_blob(&wire(&[b"ecdsa-sha2-nistp256", b"nistp256", &point])).is_ok());
    assert!(PublicKey::from_blob(&wire(&[b"ecdsa-sha2-nistp256", b"nistp384", &point])).is_err());
    let swapped = line(7).replace("ssh-ed25519 ", "ssh-rsa ");
    assert!(
        matches!(PublicKey::parse(&swapped), Err(KeyError::Damaged { .. })),
        "its type and body disagree"
    );
}

#[test]
fn a_fingerprint_is_32_bytes_of_sha_256() {
    assert!(Fingerprint::parse(key(1).fingerprint().as_str()).is_ok());
    for bad in [
        "",
        "SHA256:",
        "SHA256:AAAA",
        "MD5:00:11",
        "sha256:x",
        &format!("{}=", key(1).fingerprint()),
    ] {
        assert!(Fingerprint::parse(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_and_what_reads_is_kept(blob in prop::collection::vec(any::<u8>(), 0..80), cut in 0usize..51, byte in any::<u8>()) {
        if let Ok(key) = PublicKey::from_blob(&blob) {
            prop_assert_eq!(key.blob(), &blob[..]);
        }
        let mut nearly = key(7).blob().to_vec();
        let place = cut % nearly.len();
        nearly[place] = byte;
        let _ = PublicKey::from_blob(&nearly);
        let _ = PublicKey::from_blob(&nearly[..place]);
        let _ = PublicKey::parse(&String::from_utf8_lossy(&blob));
    }
}
