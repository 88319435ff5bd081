//! `receipts`: the register of what was transferred, in words or as CSV (P10).

use jiff::tz::TimeZone;

use crate::deeds::evidence::receipts::{self, LISTED, Listed, Receipts};
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::faces::lobby::grammar;
use crate::faces::sheet::quoted;
use crate::receipts::{Receipt, Way};
use crate::terminal::layout::Gives;
use crate::texts::{amounts, times};

/// `receipts`
pub(crate) async fn receipts(desk: &mut Desk<'_>, words: &[String]) -> Result<u32, Trouble> {
    let ask: Receipts = grammar::parse(words)?;
    let listed = receipts::receipts(desk.gateway, desk.visitor, &ask, None).await?;
    if ask.csv {
        return write(desk, &ask, listed).await;
    }
    match (ask.number, listed.receipts.as_slice()) {
        (Some(_), [one]) => show(desk, one, &listed.zone).await,
        (_, []) => {
            desk.line("receipts-none", &[]).await?;
            Ok(status::DONE)
        }
        (_, _) => list(desk, &listed).await,
    }
}

async fn list(desk: &mut Desk<'_>, listed: &Listed) -> Result<u32, Trouble> {
    let heads = [
        "field-number",
        "field-passed-at",
        "field-way",
        "field-person",
        "field-target",
        "field-size",
        "field-path",
    ];
    let heads: Vec<String> = heads.iter().map(|id| desk.say(id, &[])).collect();
    let row = |one: &Receipt| {
        vec![
            one.number.to_string(),
            times::date_and_clock(one.at),
            desk.say(way(one.way), &[]),
            one.person.clone(),
            one.target.clone(),
            amounts::size(desk.lang(), one.bytes),
            one.path.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = listed.receipts.iter().map(row).collect();
    desk.terminal
        .table_giving(&heads, &rows, &[Gives(6, 12)])
        .await?;
    if listed.more.is_some() {
        desk.line("receipts-older-left-out", &[("shown", LISTED.into())])
            .await?;
    }
    Ok(status::DONE)
}

const fn way(way: Way) -> &'static str {
    match way {
        Way::Out => "receipts-out",
        Way::In => "receipts-in",
    }
}

async fn show(desk: &mut Desk<'_>, one: &Receipt, zone: &str) -> Result<u32, Trouble> {
    let zone = TimeZone::get(zone).ok();
    // Always with its date: whoever keeps it reads it on another day.
    let long_ago = ecluse_policy::Timestamp::from_micros(0);
    let when = times::moment(one.at, long_ago, zone.as_ref());
    let size = |bytes: u64| format!("{bytes} ({})", amounts::size(desk.lang(), bytes));
    let unknown = || desk.say("receipts-unknown", &[]);
    let extent = desk.say("receipts-extent", &[("extent", one.extent.as_str().into())]);
    let outcome = desk.say(
        "receipts-outcome",
        &[("outcome", one.outcome.as_str().into())],
    );
    let fields = [
        ("field-receipt", one.number.to_string()),
        ("field-passed-at", when),
        ("field-sender", one.from.clone()),
        ("field-receiver", one.to.clone()),
        ("field-path", one.path.clone()),
        ("field-passed", format!("{}, {extent}", size(one.bytes))),
        ("field-size", one.size.map_or_else(unknown, size)),
        ("field-digest", one.sha256.clone().unwrap_or_else(unknown)),
        ("field-outcome", outcome),
        ("field-by", one.protocol.clone()),
        ("field-intervention", one.intervention.to_string()),
        ("field-session", one.session.to_string()),
        ("field-entry", one.entry.to_string()),
    ];
    let fields: Vec<(String, String)> = fields
        .into_iter()
        .map(|(id, value)| (desk.say(id, &[]), value))
        .collect();
    desk.terminal.fields(&fields).await?;
    Ok(status::DONE)
}

/// The same for a program: English names, times in UTC, one line each.
async fn write(desk: &mut Desk<'_>, ask: &Receipts, mut listed: Listed) -> Result<u32, Trouble> {
    const HEAD: &str = "number,time,way,sender,receiver,path,bytes,size,extent,sha256,outcome,protocol,intervention,session,entry";
    desk.terminal.line(HEAD).await?;
    loop {
        rows(desk, &listed.receipts).await?;
        let Some(rest) = listed.more else {
            return Ok(status::DONE);
        };
        listed = receipts::receipts(desk.gateway, desk.visitor, ask, Some(rest)).await?;
    }
}

async fn rows(desk: &mut Desk<'_>, receipts: &[Receipt]) -> Result<(), Trouble> {
    for one in receipts {
        let size = one.size.map(|size| size.to_string()).unwrap_or_default();
        let fields = [
            one.number.to_string(),
            one.at.to_string(),
            one.way.name().to_owned(),
            one.from.clone(),
            one.to.clone(),
            one.path.clone(),
            one.bytes.to_string(),
            size,
            one.extent.clone(),
            one.sha256.clone().unwrap_or_default(),
            one.outcome.clone(),
            one.protocol.clone(),
            one.intervention.to_string(),
            one.session.to_string(),
            one.entry.to_string(),
        ];
        let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
        desk.terminal.line(&fields.join(",")).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::faces::sheet::quoted;

    /// A name that a technician chose is a text in a spreadsheet, whatever it looks like.
    #[test]
    fn a_field_of_the_register_is_no_formula() {
        for (field, written) in [
            ("/srv/a", "/srv/a"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("=cmd()", "\"'=cmd()\""),
        ] {
            assert_eq!(quoted(field), written);
        }
    }
}
