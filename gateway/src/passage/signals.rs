//! The names of signals (RFC 4254 §6.10), without `SIG`.

use russh::Sig;

use super::caps;

/// The name of a signal as SSH writes it.
pub(crate) fn name(signal: &Sig) -> String {
    match signal {
        Sig::ABRT => "ABRT",
        Sig::ALRM => "ALRM",
        Sig::FPE => "FPE",
        Sig::HUP => "HUP",
        Sig::ILL => "ILL",
        Sig::INT => "INT",
        Sig::KILL => "KILL",
        Sig::PIPE => "PIPE",
        Sig::QUIT => "QUIT",
        Sig::SEGV => "SEGV",
        Sig::TERM => "TERM",
        Sig::USR1 => "USR1",
        Sig::Custom(name) => name,
    }
    .to_owned()
}

/// The signal as a client is told of it: a name of the protocol or a local one, `name@domain`. What is neither becomes the
/// one that OpenSSH uses for signals without a name.
pub(crate) fn told(signal: &Sig) -> Sig {
    let is_local = |name: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        name.len() <= caps::NAME
            && name.split_once('@').is_some_and(|(name, domain)| {
                [name, domain]
                    .iter()
                    .all(|part| !part.is_empty() && part.chars().all(plain))
            })
    };
    if let Sig::Custom(name) = signal
        && name != "USR2"
        && !is_local(name)
    {
        return Sig::Custom("SIG@openssh.com".to_owned());
    }
    signal.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F5: what a target calls a signal reaches a client only in the form that the protocol has for it.
    #[test]
    fn only_names_of_the_protocol_are_told() {
        let told = |text: &str| name(&told(&Sig::Custom(text.to_owned())));
        assert_eq!(told("STKFLT@openssh.com"), "STKFLT@openssh.com");
        assert_eq!(told("USR2"), "USR2");
        for odd in [
            "",
            "@",
            "a@",
            "\u{1b}[2J",
            "EMT",
            "a b@c",
            &format!("{}@x", "a".repeat(300)),
        ] {
            assert_eq!(told(odd), "SIG@openssh.com", "{odd:?}");
        }
        assert_eq!(name(&super::told(&Sig::KILL)), "KILL");
    }
}
