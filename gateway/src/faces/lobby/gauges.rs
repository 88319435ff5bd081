//! Where budgets stand, in words and tables (X3).

use super::desk::{Desk, Trouble, status};
use super::grammar;
use crate::clock;
use crate::deeds::gauges::Gauge;
use crate::deeds::quota::{self, Of, OfBudget, Quota};
use crate::texts::{amounts, times};

/// `quota`: what is left of one's budgets.
pub(super) async fn quota(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Quota = grammar::parse(words)?;
    let budgets = quota::quota(desk.gateway, desk.visitor, ask).await?;
    super::standing::tell_posture(desk).await?;
    for (number, left) in quota::ends_by_posture(desk.gateway, desk.visitor) {
        let args = [
            ("number", number.to_string().into()),
            ("left", times::countdown(desk.lang(), left).into()),
        ];
        desk.line("posture-session-ends", &args).await?;
    }
    if budgets.is_empty() {
        desk.line("quota-none", &[]).await?;
        return Ok(status::DONE);
    }
    let heads = [
        "field-budget",
        "field-spent",
        "field-rest",
        "field-at-most",
        "field-anew",
    ];
    let heads: Vec<String> = heads.iter().map(|id| desk.say(id, &[])).collect();
    let rows: Vec<Vec<String>> = budgets.iter().map(|one| row(desk, one)).collect();
    desk.terminal.table(&heads, &rows).await?;
    Ok(status::DONE)
}

fn row(desk: &Desk<'_>, budget: &OfBudget) -> Vec<String> {
    let OfBudget { of, gauge } = budget;
    let of = match of {
        Of::Today(client) => desk.say("quota-of-today", &[("client", client.into())]),
        Of::Intervention(number) => {
            let args = [("number", number.to_string().into())];
            desk.say("quota-of-intervention", &args)
        }
        Of::Session(number) => {
            let args = [("number", number.to_string().into())];
            desk.say("quota-of-session", &args)
        }
    };
    let lang = desk.lang();
    let size = |bytes| amounts::size(lang, bytes);
    let (left, limit) = match gauge.limit {
        Some(limit) => (size(limit.saturating_sub(gauge.spent)), size(limit)),
        None => (String::new(), desk.say("quota-unlimited", &[])),
    };
    let anew = gauge
        .until
        .map(|until| times::moment(until, clock::now(), None));
    vec![
        format!("{of} ({})", desk.gateway.texts.budget(lang, &gauge.key)),
        size(gauge.spent),
        left,
        limit,
        anew.unwrap_or_default(),
    ]
}

/// A budget in a few words: `24 % of 50 MiB (session)`.
pub(super) fn short(desk: &Desk<'_>, gauge: &Gauge) -> String {
    let Some(limit) = gauge.limit else {
        return String::new();
    };
    let args = [
        ("percent", amounts::percent(gauge.spent, limit).into()),
        ("limit", amounts::size(desk.lang(), limit).into()),
        (
            "key",
            desk.gateway.texts.budget(desk.lang(), &gauge.key).into(),
        ),
    ];
    desk.say("gauge", &args)
}
