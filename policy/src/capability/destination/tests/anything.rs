//! Whatever somebody asks for.

use super::*;
use proptest::prelude::*;

fn hosts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9._:%x-]{0,24}",
        "(0x)?[0-9a-f]{1,8}(\\.(0x)?[0-9a-f]{1,4}){0,4}\\.?",
        "(::ffff:)?[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}",
        "([0-9a-fA-F]{0,4}:){1,7}[0-9a-fA-F]{0,4}",
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Whatever is read has a spelling that reads back as the same, holds nothing that hides, and is not loopback by another name.
    #[test]
    fn any_host_is_canonical_or_refused(host in hosts(), port in any::<u32>()) {
        if let Ok(destination) = Destination::asked(&host, port) {
            let written = destination.to_string();
            prop_assert_eq!(Destination::parse(&written), Ok(destination.clone()), "{}", written);
            prop_assert_eq!(Destination::asked(&destination.host().to_string(), u32::from(destination.port())), Ok(destination.clone()));
            prop_assert!(written.is_ascii() && !written.bytes().any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_control() || byte == b'%' || byte == b' '));
            if let Host::Name(name) = destination.host() {
                prop_assert!(!name.contains("localhost") || !name.ends_with("localhost"));
                prop_assert!(name.parse::<std::net::IpAddr>().is_err());
            }
        }
    }

    #[test]
    fn any_text_is_a_line_or_words(text in any::<String>()) {
        for family in ["forward", "socket"] {
            if let Some(Ok(line)) = parsed(&format!("{family}: {text}")) {
                prop_assert_eq!(parsed(&line.to_string()), Some(Ok(line)));
            }
        }
    }
}
