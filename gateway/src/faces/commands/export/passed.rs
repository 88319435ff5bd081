//! What the pages of a bundle tell of what left and entered through an intervention (X1): to the byte, and how certain that is.

use ecluse_recordings::bundle::{Language, PassedFacts, PassedOnChannel};

use crate::deeds::totals::{InSession, Part, Totals};

/// What is told of sums; nothing where nobody had a session.
pub(super) fn passed_of(totals: &Totals, language: Language) -> Option<PassedFacts> {
    if totals.sessions == 0 {
        return None;
    }
    let [out, into] = totals.all;
    let open = totals.sessions.saturating_sub(totals.ended);
    let sessions = counted(totals.sessions);
    let first = match language {
        Language::French => format!(
            "{out} octets sortis, {into} octets entrés, en {sessions}, dont {open} sans fin enregistrée"
        ),
        Language::English => format!(
            "{out} bytes out, {into} bytes in, in {sessions}, {open} of them without an end on record"
        ),
    };
    let recorded = match language {
        Language::French => {
            "dont au plus, car leur passerelle s'est arrêtée sans compter (ce qui est enregistré)"
        }
        Language::English => {
            "of that at most, since their gateway stopped without a count (what is recorded)"
        }
    };
    let drawn = match language {
        Language::French => {
            "dont, tels que pris sur les budgets, pour des sessions dont on ne sait rien de plus"
        }
        Language::English => {
            "of that as drawn from budgets, for sessions of which no more is known"
        }
    };
    let part = |(words, part): (&str, Part)| {
        let [out, into] = part.bytes;
        let sessions = counted(part.sessions);
        (part.sessions > 0).then(|| match language {
            Language::French => format!("{words}\u{a0}: {out} et {into}, {sessions}"),
            Language::English => format!("{words}: {out} and {into}, {sessions}"),
        })
    };
    let parts = [(recorded, totals.recorded), (drawn, totals.drawn)];
    Some(PassedFacts {
        sums: std::iter::once(first)
            .chain(parts.into_iter().filter_map(part))
            .collect(),
        channels: totals
            .channels
            .iter()
            .map(|one| on_channel(one, language))
            .collect(),
    })
}

/// So many, one at least: the same in both languages.
fn counted(sessions: u64) -> String {
    match sessions {
        1 => "1 session".to_owned(),
        more => format!("{more} sessions"),
    }
}

fn on_channel(one: &InSession, language: Language) -> PassedOnChannel {
    let of = &one.of;
    let what = match (of.channel, of.shell, &of.command) {
        (Some(_), _, Some(command)) => command.as_str(),
        (Some(_), true, None) => "shell",
        (Some(_), false, None) => match language {
            Language::French => "une commande",
            Language::English => "a command",
        },
        (None, true, _) => match language {
            Language::French => "autres shells, plus petits, ensemble",
            Language::English => "smaller shells together",
        },
        (None, false, _) => match language {
            Language::French => "autres commandes, plus petites, ensemble",
            Language::English => "smaller commands together",
        },
    };
    PassedOnChannel {
        session: format!("#{}", one.session),
        channel: of.channel,
        out: of.out,
        into: of.into,
        what: what.to_owned(),
    }
}
