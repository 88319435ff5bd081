//! Signals as the library has them.

use russh::Sig;

use crate::passage::side::Signal;

/// A signal that came by the wire.
pub(super) fn of_wire(signal: &Sig) -> Signal {
    Signal::named(name(signal))
}

/// A signal for the wire.
pub(super) fn for_wire(signal: &Signal) -> Sig {
    let known = [
        Sig::ABRT,
        Sig::ALRM,
        Sig::FPE,
        Sig::HUP,
        Sig::ILL,
        Sig::INT,
        Sig::KILL,
        Sig::PIPE,
        Sig::QUIT,
        Sig::SEGV,
        Sig::TERM,
        Sig::USR1,
    ];
    known
        .into_iter()
        .find(|one| name(one) == signal.name())
        .unwrap_or_else(|| Sig::Custom(signal.name().to_owned()))
}

fn name(signal: &Sig) -> &str {
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
}
