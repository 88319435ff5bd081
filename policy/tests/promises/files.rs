//! Promises about files: what passes on a channel of files, by which lines, for how long (F1, I3).

use ecluse_policy::*;

use crate::postures::{after, heightened};
use crate::site::*;

/// One flow with each of these lines of `allow`, hours and extraction.
fn flow(name: &str, allow: &str, hours: &str, more: &str) -> String {
    format!(
        "[[flow]]\nname = \"{name}\"\ntechnicians = [\"maintech:dba\"]\ntargets = [\"db01\"]\naccounts = [\"postgres\"]\nallow = [{allow}]\nhours = \"{hours}\"\nauthentication = [\"station\", \"key\", \"totp\"]\napproval = {{ by = 1, at-most = \"4h\" }}\n{more}\n"
    )
}

fn need(right: FileRight, path: &str) -> FileNeed {
    FileNeed::Right(right, TargetPath::canonical(path.as_bytes()).unwrap())
}

fn files_of(admission: &Admission, now: Timestamp) -> Permit {
    permitted(admission.decide(&FlowRequest::Subsystem(SFTP.into()), now))
}

fn asks(permit: &Permit, right: FileRight, path: &str, now: Timestamp) -> Result<(), Refusal> {
    permit.decide(&FlowRequest::File(need(right, path)), now)
}

/// F1: without a line of files there is no channel; with some, each thing needs its own, and a shell gives none.
#[test]
fn f1_each_thing_needs_a_line_of_its_own() {
    let without = with_flows(&flow("dba", "\"shell\", \"command: uptime\"", "always", ""));
    let refusal = refused(admitted(&without).decide(&FlowRequest::Subsystem(SFTP.into()), t0()));
    assert!(
        refusal
            .to_string()
            .ends_with("missing: sftp-read (to get), sftp-write (to put), sftp-list (to list)"),
        "{refusal}"
    );
    let with = with_flows(&flow(
        "dba",
        "\"sftp-read: /var/log/**\", \"sftp-list: /var/log/**\"",
        "always",
        "",
    ));
    let admission = admitted(&with);
    let permit = files_of(&admission, t0());
    assert_eq!(asks(&permit, FileRight::Read, "/var/log/a/b", t0()), Ok(()));
    assert_eq!(asks(&permit, FileRight::List, "/var/log", t0()), Ok(()));
    for (right, path, missing) in [
        (FileRight::Read, "/etc/passwd", "sftp-read: /etc/passwd"),
        (FileRight::Read, "/var/log", "sftp-read: /var/log"),
        (FileRight::Write, "/var/log/a", "sftp-write: /var/log/a"),
        (FileRight::Delete, "/var/log/a", "sftp-delete: /var/log/a"),
    ] {
        let flow = FlowRequest::File(need(right, path));
        let missing = missing.to_owned();
        let expected = Err(Refusal::FlowNotListed { flow, missing });
        assert_eq!(asks(&permit, right, path, t0()), expected);
    }
    let _ = refused(admission.decide(&FlowRequest::Shell, t0()));
    // Nothing of it comes after the window.
    assert!(asks(&permit, FileRight::Read, "/var/log/a", permit.closes_at()).is_err());
}

/// I3: each line keeps its own hours; a re-check leaves what still stands, and the channel ends with the last.
#[test]
fn i3_a_line_that_is_lost_leaves_the_others() {
    let read = flow("read", "\"sftp-read: /srv/**\"", "always", "");
    let write = flow(
        "write",
        "\"sftp-write: /srv/in/**\"",
        "mon-fri 07:00-12:00 Europe/Paris",
        "",
    );
    let both = with_flows(&format!("{read}{write}"));
    let admission = admitted(&both);
    let open = admission.intervention().clone();
    let permit = files_of(&admission, t0());
    let may = |right, now| asks(&permit, right, "/srv/in/x", now).is_ok();
    let noon = at("2026-11-23T11:00:00Z");
    assert!(t0() < noon && may(FileRight::Read, t0()) && may(FileRight::Write, t0()));
    assert!(may(FileRight::Read, noon) && !may(FileRight::Write, noon));
    let files = permit.terms().files().unwrap();
    assert_eq!(files.next_end(t0()), Some(noon));
    let left = |documents: &Documents, now| {
        let bounds = admission.bounds(&permit, documents, Some(&open), now);
        bounds.map(|bounds| bounds.files.unwrap().lines().collect::<Vec<_>>())
    };
    let all = ["read: sftp-read: /srv/**", "write: sftp-write: /srv/in/**"];
    assert_eq!(left(&both, t0()).unwrap(), all);
    assert_eq!(left(&both, noon).unwrap(), all[..1]);
    // A line that is taken away, one that is made narrower, and one that is written anew.
    assert_eq!(left(&with_flows(&write), t0()).unwrap(), all[1..]);
    let narrow = read.replace("/srv/**", "/srv/a/**");
    assert_eq!(
        left(&with_flows(&format!("{narrow}{write}")), t0()).unwrap(),
        all[1..]
    );
    let more = flow("more", "\"sftp-delete: /srv/**\"", "always", "");
    assert_eq!(
        left(&with_flows(&format!("{read}{write}{more}")), t0()).unwrap(),
        all
    );
    let gone = left(&with_flows(&flow("dba", "\"shell\"", "always", "")), t0());
    assert!(gone.is_err());
}

/// P6: a channel of files begins, goes on and is warned by all of its lines: it ends with the last of them, and says by which.
#[test]
fn p6_a_channel_of_files_ends_with_the_last_of_its_lines() {
    let read = flow("read", "\"sftp-read: /srv/**\"", "always", "");
    let write = flow("write", "\"sftp-write: /srv/in/**\"", "always", "");
    let with = |refuse: &str| {
        let high =
            format!("[posture.high]\napprovers = 1\nat-most = \"24h\"\nrefuse = [{refuse}]\n");
        with_flows(&format!("{read}{write}{high}"))
    };
    let both = "\"sftp-read: /srv/**\", \"sftp-write: /srv/in/**\"";
    let only = ["\"sftp-read: /srv/**\"", "\"sftp-write: /srv/in/**\""];
    for refuse in only.into_iter().chain([both]) {
        let before = with(refuse);
        let admission = admitted(&before);
        let open = admission.intervention().clone();
        let permit = files_of(&admission, t0());
        let high = heightened(&before, t0());
        let now = after("10s");
        let begins = admission.begins(&permit, &high, Some(&open), now);
        let end = admission.ends_by_posture(&permit, &high, Some(&open), now);
        let left = admission.bounds(&permit, &high, Some(&open), after("2m"));
        let left = left.map(|bounds| bounds.files.unwrap().lines().count());
        if refuse == both {
            let (at, posture) = end.unwrap();
            assert_eq!(at, after("1m"));
            let line = both.replace('"', "");
            assert_eq!(posture.missing, Missing::Line { line });
            let because = Err(EndReason::Posture(posture));
            assert_eq!((&begins, &left.map(|_| ())), (&because, &because));
        } else {
            assert_eq!((begins, end, left), (Ok(()), None, Ok(1)), "{refuse}");
        }
    }
}

/// X2: what a channel of files may let pass is the strictest of what its lines' flows say, and so is who watches.
#[test]
fn x2_a_channel_of_files_pays_by_the_strictest_of_its_flows() {
    let lax = flow(
        "lax",
        "\"sftp-read: /a/**\"",
        "always",
        "extraction = { session = \"50 MiB\", rate = \"1 MiB/s\" }\nidle = \"30m\"",
    );
    let strict = flow(
        "strict",
        "\"sftp-read: /b/**\"",
        "always",
        "extraction = { session = \"10 MiB\", rate = \"2 MiB/s\" }\nidle = \"10m\"",
    );
    let of = |flows: &str| {
        let permit = files_of(&admitted(&with_flows(flows)), t0());
        let budgets = permit.terms().budgets();
        let session = budgets.of(Level::Session, Way::Down).unwrap().bytes;
        (
            session.to_string(),
            budgets.rate_down.unwrap().to_string(),
            permit.terms().idle(),
        )
    };
    let (session, rate, idle) = of(&format!("{lax}{strict}"));
    assert_eq!((session.as_str(), rate.as_str()), ("10 MiB", "1 MiB/s"));
    assert_eq!(idle, Some(span("10m")));
    assert_eq!(of(&lax).0, "50 MiB");
}

/// What is written anywhere is answered for; what paths do not bar is said.
#[test]
fn check_says_what_writes_anywhere_and_where_paths_bar_nothing() {
    let anywhere = with_flows(&flow("dba", "\"sftp-write: /**\"", "always", ""));
    assert_eq!(anywhere.outdated().len(), 1);
    let asked = requested(&anywhere, &alice(&anywhere), ask_for(&["db01"], "1h"), t0());
    assert!(asked.is_err(), "{asked:?}");
    let barred_by_nothing = |allow: &str| {
        let remarks = with_flows(&flow("dba", allow, "always", "")).remarks(t0());
        remarks
            .iter()
            .any(|remark| remark.says.contains("no barrier"))
    };
    assert!(barred_by_nothing("\"shell\", \"sftp-read: /srv/**\""));
    assert!(!barred_by_nothing(
        "\"command: uptime\", \"sftp-read: /srv/**\""
    ));
    assert!(!barred_by_nothing("\"shell\""));
}

/// `explain` answers for one path, by the line that names it, with what bounds it.
#[test]
fn explain_answers_for_a_path() {
    let documents = with_flows(&flow(
        "dba",
        "\"sftp-read: /var/log/**\"",
        "always",
        "extraction = { session = \"50 MiB\" }",
    ));
    let told = |right, path| {
        let asked = FlowRequest::File(need(right, path));
        explain(&documents, &person("alice"), &target("db01"), &asked, t0()).to_string()
    };
    let allowed = told(FileRight::Read, "/var/log/app.log");
    assert!(allowed.starts_with("allowed"), "{allowed}");
    for part in ["\"sftp-read: /var/log/**\" as postgres", "50 MiB"] {
        assert!(allowed.contains(part), "{part}: {allowed}");
    }
    assert!(
        !allowed.contains("terminal") && !allowed.contains("signals"),
        "{allowed}"
    );
    let refused = told(FileRight::Write, "/var/log/app.log");
    assert!(
        refused.contains("\"sftp-write: /var/log/app.log\" is not there"),
        "{refused}"
    );
}

/// F1, F2: in a flow with lines of files a copy by `scp` is judged by them and by nothing else; in one without, it is a command.
/// Rights are the union of flows: a flow that gives it as a command gives it whatever another's paths say.
#[test]
fn f1_a_copy_is_judged_by_its_flows_lines_of_files() {
    let (from, more) = ("scp -f /srv/a", "scp -f /srv/a; id");
    let by = |flows: &str, command: &str| {
        let asked = FlowRequest::Command(command.into());
        match admitted(&with_flows(flows)).decide(&asked, t0()) {
            Verdict::Permit(permit) => Ok(permit.terms().files().is_some()),
            Verdict::Refuse(refusal) => Err(refusal.to_string()),
        }
    };
    let command = "\"command: scp -f {path}\"";
    let files = "\"sftp-read: /srv/**\"";
    let only = |allow: &str| flow("dba", allow, "always", "");
    assert_eq!(by(&only(command), from), Ok(false));
    assert_eq!(by(&only(files), from), Ok(true));
    assert_eq!(by(&only(&format!("{command}, {files}")), from), Ok(true));
    // A shell makes more of it than a copy: no line of files starts that.
    let every = "{ line = \"command: *\", owner = \"Odile\", until = \"2027-03-31\" }";
    assert!(by(&only(files), more).is_err());
    assert_eq!(by(&only(&format!("{every}, {files}")), more), Ok(false));
    assert_eq!(by(&only(&format!("{every}, {files}")), from), Ok(true));
    let apart = format!(
        "{}{}",
        flow("one", files, "always", ""),
        flow("two", command, "always", "")
    );
    assert_eq!(by(&apart, from), Ok(false));
    // A line of files that is over gives nothing, and its flow no command in its place.
    let over = "{ line = \"sftp-write: /**\", owner = \"Odile\", until = \"2020-03-31\" }";
    assert!(by(&only(&format!("{command}, {over}")), from).is_err());
    let documents = with_flows(&only(&format!("{command}, {files}")));
    let asked = FlowRequest::Command(from.into());
    let said = explain(&documents, &person("alice"), &target("db01"), &asked, t0()).to_string();
    assert!(
        said.contains("sftp-read: /srv/** (a copy is judged by its paths)"),
        "{said}"
    );
    assert!(!said.contains("command: scp"), "{said}");
    // The rest of it is a channel of files as any other.
    let admission = admitted(&with_flows(&only(files)));
    let permit = permitted(admission.decide(&FlowRequest::Command(from.into()), t0()));
    assert_eq!(asks(&permit, FileRight::Read, "/srv/a", t0()), Ok(()));
    assert!(asks(&permit, FileRight::Read, "/etc/a", t0()).is_err());
    assert!(permit.terms().signals().is_empty());
}

/// A template that would copy beside lines of files gives no copy, and whoever wrote it is told.
#[test]
fn check_says_which_command_gives_no_copy() {
    let says = |allow: &str| {
        let remarks = with_flows(&flow("dba", allow, "always", "")).remarks(t0());
        let mut remarks = remarks.iter();
        remarks.any(|remark| remark.says.contains("gives no copy here"))
    };
    assert!(says("\"command: scp -f {path}\", \"sftp-read: /srv/**\""));
    assert!(!says("\"command: scp -f {path}\""));
    assert!(!says("\"command: uptime\", \"sftp-read: /srv/**\""));
}
