//! Manifests and their signatures: what is read is written back the same, and names nothing outside.

#![no_main]

use ecluse_recordings::bundle::parse_sums;
use ecluse_recordings::evidence::manifest::Manifest;
use ecluse_recordings::evidence::signature::{
    RECORDING_NAMESPACE, from_openssh, parse_allowed_signers, verify_file,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(manifest) = Manifest::parse(data) {
        for file in &manifest.files {
            assert!(!file.name.contains('/') && file.name != "..");
        }
        let text = manifest.to_text().unwrap();
        assert_eq!(Manifest::parse(&text).as_ref(), Ok(&manifest));
    }
    let text = String::from_utf8_lossy(data);
    let keys = parse_allowed_signers(&text);
    let _ = from_openssh(&text);
    // Nobody signed anything.
    assert!(verify_file(&text, RECORDING_NAMESPACE, b"unsigned", &[[7; 32]]).is_err());
    let _ = verify_file(&text, RECORDING_NAMESPACE, data, &keys);
    if let Ok(sums) = parse_sums(&text) {
        assert!(
            sums.keys()
                .flat_map(|name| name.split('/'))
                .all(|part| !part.is_empty() && part != "..")
        );
    }
});
