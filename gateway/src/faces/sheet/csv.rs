//! The matrix for a spreadsheet: a row for each line, English names, times in UTC. Nothing in it is computed by one (RFC 4180).

use ecluse_policy::review::Towards;

use crate::deeds::matrix::{FlowOf, LineOf, Matrix, State};

const HEAD: &str = "flow,flow-why,allow,towards,terminal,line-why,owner,until,in-force,state,since,granted,interventions,sessions,uses,last,\
                    technicians,people,stations,targets,addresses,accounts,hours,authentication,approvals,at-most,accompanied,extraction,idle,confirm,\
                    file,line,client,version,sha256";

/// The rows, the heads first.
pub(super) fn lines(matrix: &Matrix) -> Vec<String> {
    let rows = matrix.flows.iter().flat_map(|flow| {
        let lines = flow.lines.iter();
        lines.map(move |line| row(matrix, flow, line))
    });
    std::iter::once(HEAD.to_owned()).chain(rows).collect()
}

fn row(matrix: &Matrix, flow: &FlowOf, line: &LineOf) -> String {
    fn text<T: ToString>(value: Option<T>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    fn joined(all: impl IntoIterator<Item = impl AsRef<str>>) -> String {
        let all: Vec<String> = all.into_iter().map(|one| one.as_ref().to_owned()).collect();
        all.join("; ")
    }
    let towards = match line.towards {
        Towards::Target => "to-target",
        Towards::Technician => "to-technician",
        Towards::Both => "both",
    };
    let state = match line.state {
        State::Used => "used",
        State::Dead => "dead",
        State::NotYet => "not-yet",
        State::Unknown => "unknown",
    };
    let bounds = flow.extraction.iter().map(|one| {
        let bounds = one
            .bounds
            .iter()
            .map(|(key, value)| format!("{key} {value}"));
        let bounds = bounds.collect::<Vec<_>>().join(", ");
        match &one.target {
            Some(target) => format!("{target}: {bounds}"),
            None => bounds,
        }
    });
    let technicians = &flow.technicians;
    let answered = line.derogation.as_ref();
    let fields = [
        flow.name.clone(),
        text(flow.why.as_ref()),
        line.allow.clone(),
        towards.to_owned(),
        line.terminal.to_string(),
        text(line.why.as_ref()),
        text(answered.map(|it| &it.owner)),
        text(answered.map(|it| &it.until)),
        line.in_force.to_string(),
        state.to_owned(),
        text(line.since),
        line.seen.granted.to_string(),
        line.seen.interventions.to_string(),
        line.seen.sessions.to_string(),
        line.seen.uses.to_string(),
        text(line.seen.last),
        joined(technicians.iter().map(|who| &who.selector)),
        joined(technicians.iter().flat_map(|who| &who.people)),
        joined(technicians.iter().flat_map(|who| &who.stations)),
        joined(flow.targets.iter().map(|target| &target.id)),
        joined(flow.targets.iter().map(|target| &target.address)),
        joined(&flow.accounts),
        flow.hours.clone(),
        joined(&flow.authentication),
        flow.approvals.to_string(),
        flow.at_most.to_string(),
        text(flow.accompanied),
        joined(bounds),
        text(flow.idle),
        joined(&flow.confirm),
        matrix.document.file.clone(),
        line.line.to_string(),
        matrix.client.clone(),
        matrix.version.to_string(),
        matrix.document.sha256.clone(),
    ];
    fields
        .iter()
        .map(|field| quoted(field))
        .collect::<Vec<_>>()
        .join(",")
}

/// One field (RFC 4180); what a spreadsheet would compute is a text, whatever blanks stand before it.
pub(crate) fn quoted(field: &str) -> String {
    let begins = field.trim_start();
    // The wide ones are read as the others by some.
    let is_formula = begins.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || field.starts_with(['\t', '\r', '\n', '|', '%']);
    let field = if is_formula {
        format!("'{field}")
    } else {
        field.to_owned()
    };
    match field.contains([',', ';', '"', '\n', '\r', '\t']) || is_formula {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    /// F7: what a document says is a text in a spreadsheet, whatever it looks like.
    #[test]
    fn f7_a_field_of_a_sheet_is_no_formula() {
        for (field, written) in [
            ("/srv/a", "/srv/a"),
            ("a,b", "\"a,b\""),
            ("a;b", "\"a;b\""),
            ("a\"b", "\"a\"\"b\""),
            ("=cmd()", "\"'=cmd()\""),
            (" =cmd()", "\"' =cmd()\""),
            ("＝cmd()", "\"'＝cmd()\""),
            ("@SUM(1)", "\"'@SUM(1)\""),
        ] {
            assert_eq!(quoted(field), written);
        }
    }
}
