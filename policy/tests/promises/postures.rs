//! Heightened posture: one word tightens everything, never gives anything, and loses nothing that was approved (P6).

use std::collections::BTreeMap;

use ecluse_policy::clearance::Said;
use ecluse_policy::*;

use crate::site::*;

/// A flow with a shell and every command, by one yes and for hours.
fn flow() -> String {
    format!(
        "[[flow]]\nname = \"dba\"\ntechnicians = [\"maintech:*\"]\ntargets = [\"db01\"]\naccounts = [\"postgres\"]\n\
         allow = [\"shell\", {ANY}]\nhours = \"always\"\nauthentication = [\"station\", \"key\", \"totp\"]\n\
         approval = {{ by = 1, at-most = \"4h\" }}\n"
    )
}

fn client() -> ClientId {
    ClientId::parse("hopital").unwrap()
}

pub(crate) fn with(high: &str) -> Documents {
    with_flows(&format!("{}[posture.high]\n{high}\n", flow()))
}

fn said(at: Timestamp, over: &[&str]) -> Clearances {
    let accepted = |id: &str| {
        let key = (ProviderId::parse("maintech").unwrap(), person(id));
        (key, Clearance::Accepted { by: None, at: t0() })
    };
    let said = Said {
        people: ["alice", "bruno"].map(accepted).into(),
        posture: Some(Heightened {
            by: person("odile"),
            at,
            reason: "intrusion at a supplier".into(),
            over: over.iter().map(|id| (person(id), at)).collect(),
        }),
        ..Said::default()
    };
    Clearances::on_record(BTreeMap::from([(client(), said)]))
}

/// The same documents, heightened at that moment.
pub(crate) fn heightened(documents: &Documents, at: Timestamp) -> Documents {
    documents.clone().cleared(said(at, &[]))
}

pub(crate) fn after(text: &str) -> Timestamp {
    t0().plus(span(text))
}

pub(crate) fn posture(refusal: Refusal) -> Missing {
    match refusal {
        Refusal::Posture(posture) => posture.missing,
        other => panic!("{other}"),
    }
}

fn ended(end: Result<(), EndReason>) -> Missing {
    match end {
        Err(EndReason::Posture(posture)) => posture.missing,
        other => panic!("{other:?}"),
    }
}

fn admits(documents: &Documents, it: &Intervention, now: Timestamp) -> Result<Admission, Refusal> {
    let (alice, db01) = (alice(documents), target("db01"));
    admit(
        documents,
        &alice,
        &db01,
        None,
        std::slice::from_ref(it),
        now,
    )
}

/// P6: what lacks a yes goes on until it was warned, is suspended then, and goes on by the same number once another operator
/// has said it; the same operator's does not count twice, and a yes that narrows narrows.
#[test]
fn p6_what_lacks_a_yes_is_suspended_and_goes_on() {
    let before = with("approvers = 2\nrefuse = []\nat-most = \"24h\"");
    let it = approved(&before);
    let running = admits(&before, &it, t0()).unwrap();
    let it = running.intervention().clone();
    let high = heightened(&before, after("10m"));
    let grace = after("10m59s");
    assert_eq!(running.recheck(&high, Some(&it), grace), Ok(()));
    let yes = Missing::Yes {
        number: it.number(),
        needed: 2,
        given: 1,
    };
    assert_eq!(ended(running.recheck(&high, Some(&it), after("11m"))), yes);
    // What begins has no warning.
    assert_eq!(posture(admits(&high, &it, grace).unwrap_err()), yes);
    let permit = permitted(running.decide(&FlowRequest::Shell, t0()));
    let end = running.ends_by_posture(&permit, &high, Some(&it), grace);
    assert_eq!(end.map(|(at, _)| at), Some(after("11m")));
    let outlook = it.outlook(&high, grace).unwrap();
    assert_eq!((outlook.needed, outlook.given.len()), (2, 1));

    let twice = it.approved_by(&high, &odile(&high), &Narrowing::default(), grace);
    assert!(matches!(twice, Err(Refusal::AlreadyApproved { .. })));
    let whole = it
        .approved_by(&high, &olive(&high), &Narrowing::default(), grace)
        .unwrap();
    assert_eq!(
        (whole.number(), whole.state().name()),
        (it.number(), "open")
    );
    assert_eq!(whole.granted(), it.granted());
    assert_eq!(running.recheck(&high, Some(&whole), after("30m")), Ok(()));
    admits(&high, &whole, after("30m")).unwrap();
    let shorter = Narrowing {
        length: Some(span("20m")),
        ..Narrowing::default()
    };
    let less = it
        .approved_by(&high, &olive(&high), &shorter, grace)
        .unwrap();
    assert_eq!(less.due(), Some(after("20m")));
    // Back to normal, what was suspended can be used; a yes that nobody asks for is none.
    admits(&before, &it, after("30m")).unwrap();
    let unasked = it.approved_by(&before, &olive(&before), &Narrowing::default(), grace);
    assert!(matches!(unasked, Err(Refusal::WrongState { .. })));
}

/// P6: of several interventions, what is told concerns the one that comes nearest to what is asked: a line that is refused to
/// everybody is not named to who asks for something else, and the posture is where it alone keeps back what is asked.
#[test]
fn p6_of_several_interventions_the_one_that_is_asked_for_is_told_of() {
    let before = with("approvers = 2\nrefuse = [\"command: *\"]\nat-most = \"24h\"");
    let of = |family: &str| {
        let only = Narrowing {
            families: Some([family.to_owned()].into()),
            ..Narrowing::default()
        };
        asked(&before)
            .approved_by(&before, &odile(&before), &only, t0())
            .unwrap()
    };
    let (shell, commands) = (of("shell"), of("command"));
    let high = heightened(&before, t0());
    let twice = |it: &Intervention| {
        it.approved_by(&high, &olive(&high), &Narrowing::default(), t0())
            .unwrap()
    };
    let admits = |all: &[Intervention], flow: FlowRequest| {
        let (alice, db01) = (alice(&high), target("db01"));
        let start = StartRequest::plain(flow);
        admit_for(&high, &alice, &db01, None, Some(&start), all, t0())
    };
    let both = [commands.clone(), shell.clone()];
    let told = posture(admits(&both, FlowRequest::Shell).unwrap_err());
    assert!(matches!(told, Missing::Yes { .. }), "{told:?}");
    let line = Missing::Line {
        line: "command: *".into(),
    };
    let both = [twice(&shell), twice(&commands)];
    assert_eq!(
        posture(admits(&both, command("id")).unwrap_err()),
        line,
        "the shell that is admitted says nothing of it"
    );
    let _ = admits(&both, FlowRequest::Shell).unwrap();
    // A yes is not promised to give what it does not.
    assert!(shell.opens_with_yes(&high, t0()) && !commands.opens_with_yes(&high, t0()));
}

/// P6: a refused line ends after the warning, and the rest of the session stands; a new channel of it is refused at once.
#[test]
fn p6_a_refused_line_ends_and_the_rest_goes_on() {
    let before = with("approvers = 1\nrefuse = [\"command: *\"]\nat-most = \"24h\"");
    let running = admits(&before, &approved(&before), t0()).unwrap();
    let it = running.intervention().clone();
    let permit = permitted(running.decide(&command("id"), t0()));
    let shell = permitted(running.decide(&FlowRequest::Shell, t0()));
    let high = heightened(&before, after("10m"));
    let line = Missing::Line {
        line: "command: *".into(),
    };
    let check = |permit, at| running.recheck_channel(permit, &high, Some(&it), at);
    assert_eq!(check(&permit, after("10m59s")), Ok(()));
    assert_eq!(ended(check(&permit, after("11m"))), line);
    assert_eq!(check(&shell, after("1h")), Ok(()));
    assert_eq!(running.recheck(&high, Some(&it), after("1h")), Ok(()));
    let again = admits(&high, &it, after("10m1s")).unwrap();
    assert_eq!(
        posture(refused(again.decide(&command("id"), after("10m1s")))),
        line
    );
    let _ = permitted(again.decide(&FlowRequest::Shell, after("10m1s")));
}

/// P6: the shorter window counts from the first use, and what is over by it ends after the warning only.
#[test]
fn p6_the_shorter_window_counts_from_the_first_use() {
    let before = with("approvers = 1\nrefuse = []\nat-most = \"1h\"");
    let running = admits(&before, &approved(&before), t0()).unwrap();
    let it = running.intervention().clone();
    let early = heightened(&before, after("10m"));
    assert_eq!(running.recheck(&early, Some(&it), after("59m59s")), Ok(()));
    let over = |at| Missing::Window { closed_at: at };
    assert_eq!(
        ended(running.recheck(&early, Some(&it), after("1h"))),
        over(after("1h"))
    );
    let shell = permitted(running.decide(&FlowRequest::Shell, t0()));
    let end = running.ends_by_posture(&shell, &early, Some(&it), after("20m"));
    assert_eq!(end.map(|(at, _)| at), Some(after("1h")));
    let late = heightened(&before, after("90m"));
    assert_eq!(running.recheck(&late, Some(&it), after("90m59s")), Ok(()));
    assert_eq!(
        ended(running.recheck(&late, Some(&it), after("91m"))),
        over(after("1h"))
    );
    assert_eq!(
        posture(admits(&late, &it, after("90m")).unwrap_err()),
        over(after("1h"))
    );
    // One that was not used yet lasts an hour from its use.
    let fresh = admits(&late, &approved(&before), after("90m")).unwrap();
    let permit = permitted(fresh.decide(&FlowRequest::Shell, after("90m")));
    assert_eq!(permit.closes_at(), after("2h30m"));
}

/// P6: a request reads that it is the posture that wants less, and needs two; the budgets are the least of both, at once.
#[test]
fn p6_a_request_and_a_budget_are_the_least_of_both() {
    let before =
        with("extraction = { session = \"5 MiB\", channel = \"1 MiB\", rate = \"8 KiB/s\" }");
    let high = heightened(&before, after("10m"));
    let (alice, at) = (alice(&before), after("10m"));
    let long = requested(&high, &alice, ask_for(&["db01"], "2h"), at).unwrap_err();
    assert_eq!(
        posture(long),
        Missing::Length {
            asked: span("2h"),
            at_most: span("1h")
        }
    );
    let mut of_commands = ask_for(&["db01"], "30m");
    of_commands.capabilities = Some(vec![capability("command: id")]);
    let line = posture(requested(&high, &alice, of_commands, at).unwrap_err());
    assert_eq!(
        line,
        Missing::Line {
            line: "command: id".into()
        }
    );
    // What no posture would allow is no matter of one.
    let never = requested(&high, &alice, ask_for(&["db01"], "9h"), at).unwrap_err();
    assert!(matches!(never, Refusal::Length { .. }), "{never}");
    let asked = requested(&high, &alice, ask_for(&["db01"], "30m"), at).unwrap();
    assert_eq!(asked.outlook(&high, at).unwrap().needed, 2);

    let running = admits(&before, &approved(&before), t0()).unwrap();
    let it = running.intervention().clone();
    let shell = permitted(running.decide(&FlowRequest::Shell, t0()));
    let of = |documents: &Documents| running.budgets(&shell, documents, Some(&it), at).unwrap();
    let limit = |budgets: &Budgets, level| {
        let budget = budgets.of(level, Way::Down);
        budget
            .and_then(|budget| budget.bytes.bytes())
            .map(ByteCount::as_u64)
    };
    let (normal, tight) = (of(&before), of(&high));
    assert_eq!(limit(&normal, Level::Session), Some(50 << 20));
    assert_eq!(limit(&tight, Level::Session), Some(5 << 20));
    assert_eq!(limit(&tight, Level::Intervention), Some(200 << 20));
    assert_eq!(limit(&tight, Level::Channel), Some(1 << 20));
    assert_eq!(tight.rate_down.map(|rate| rate.as_u64()), Some(8 << 10));
}

/// P6: so many operators lead back as the document says, each once; what is written is there again then.
#[test]
fn p6_as_many_lead_back_as_the_document_says() {
    let before = with("normal-by = 2");
    let once = before.clone().cleared(said(t0(), &["olive"]));
    assert!(once.posture(&client()).is_some());
    let by = odile(&once);
    let operator = by.as_operator(&once, t0()).unwrap();
    assert_eq!(
        operator.to_widen(&code_of(t0())).unwrap().leads_back(),
        Some(0)
    );
    let by = olive(&once);
    let again = by.as_operator(&once, t0()).unwrap();
    assert_eq!(again.to_widen(&code_of(t0())).unwrap().leads_back(), None);
    // What gives takes a code of now.
    assert!(again.to_widen(&ProvenCode::default()).is_err());
    let both = once.clone().cleared(said(t0(), &["olive", "odile"]));
    assert!(both.posture(&client()).is_none());
    assert_eq!(both.client(&client()), before.client(&client()));
    assert_eq!(
        once.as_written().client(&client()),
        before.client(&client())
    );
}

/// P6: a client that writes nothing has a posture, which one operator can live with; documents say what they cannot mean.
#[test]
fn p6_documents_accept_what_tightens_and_refuse_the_rest() {
    let rules = |documents: &Documents| documents.client(&client()).unwrap().posture.clone();
    let built_in = rules(&with_flows(&flow()));
    assert_eq!(
        (built_in.approvers, built_in.at_most, built_in.warning),
        (2, span("1h"), span("60s"))
    );
    assert_eq!(
        built_in
            .refuse
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["command: *"]
    );
    assert_eq!(
        built_in.ceilings(),
        ["intervention 20 MiB", "session 5 MiB"]
    );
    let alone = hopital(&flow()).replace("id = \"olive\"\n", "id = \"olive\"\ndisabled = true\n");
    assert_eq!(rules(&documents_of(&maintech(), &alone)).approvers, 1);
    let written = rules(&with(
        "approvers = 1\nrefuse = []\nextraction = {}\nwarning = \"0s\"",
    ));
    assert!(written.refuse.is_empty() && written.ceilings().is_empty() && written.line != 0);
    assert_eq!((written.approvers, written.at_most), (1, span("1h")));
    for (high, key, words) in [
        ("approvers = 3", "posture.high.approvers", "1 to 2"),
        ("approvers = 0", "posture.high.approvers", "1 to 2"),
        ("normal-by = 3", "posture.high.normal-by", "1 to 2"),
        ("at-most = \"25h\"", "posture.high.at-most", "24h"),
        ("warning = \"1h\"", "posture.high.warning", "10m"),
        (
            "refuse = [\"command: id\"]",
            "posture.high.refuse",
            "bars nothing",
        ),
        ("refuse = [\"x11\"]", "posture.high.refuse", "accepted"),
        (
            "extraction = { session = \"unlimited\" }",
            "posture.high.extraction.session",
            "number of bytes",
        ),
        (
            "extraction = { at-limit = \"slow\" }",
            "posture.high.extraction.at-limit",
            "not a key",
        ),
        ("hours = \"always\"", "posture.high.hours", "not a key"),
    ] {
        let text = hopital(&format!("{}[posture.high]\n{high}\n", flow()));
        let errors = documents::parse_client("clients/hopital.toml", &text).unwrap_err();
        let [error] = errors.as_slice() else {
            panic!("{high}: {errors:?}");
        };
        let said = error.to_string();
        assert!(error.key == key && said.contains(words), "{high}: {said}");
    }
    // A posture is no change of the documents; what it is to mean is one.
    let (plain, other) = (with_flows(&flow()), with("approvers = 1"));
    assert!(documents::diff(&plain, &heightened(&plain, t0())).is_empty());
    let changes = documents::diff(&plain, &other);
    assert!(
        changes.iter().any(|change| change
            .detail
            .iter()
            .any(|line| line.contains("posture.high.approvers: 1"))),
        "{changes:?}"
    );
}

/// P6: asked beforehand, it says what a posture would refuse, and that it is the posture.
#[test]
fn p6_explain_answers_under_a_posture() {
    let documents = with_flows(&flow());
    let ask = |documents: &Documents, what: &FlowRequest| {
        explain(documents, &person("alice"), &target("db01"), what, t0())
    };
    assert!(ask(&documents, &command("id")).is_allowed());
    let high = documents.clone().as_if_heightened(t0(), "asked");
    let told = ask(&high, &command("id"));
    assert!(
        !told.is_allowed() && told.to_string().contains("while the posture is high"),
        "{told}"
    );
    let told = ask(&high, &FlowRequest::Shell).to_string();
    assert!(
        told.contains("2 approvals, 1h at most") && told.contains("5 MiB a session"),
        "{told}"
    );
}

/// P6: a posture that refuses a flow's lines of files makes no command of a copy, for whoever asks and for whoever asks about it.
#[test]
fn p6_a_copy_is_no_command_while_its_lines_of_files_are_refused() {
    let lines = "\"command: scp -f {path}\", \"sftp-read: /srv/**\"";
    let flow = flow().replace(&format!("\"shell\", {ANY}"), lines);
    let posture = "[posture.high]\napprovers = 1\nrefuse = [\"sftp-read\"]\nat-most = \"24h\"\n";
    let before = with_flows(&format!("{flow}{posture}"));
    let open = asked(&before)
        .approved_by(&before, &odile(&before), &Narrowing::default(), t0())
        .unwrap();
    let copy = FlowRequest::Command(b"scp -f /srv/a".to_vec());
    let may = |documents: &Documents| {
        let (alice, db01) = (alice(documents), target("db01"));
        let start = StartRequest::plain(copy.clone());
        let all = std::slice::from_ref(&open);
        let admission = admit_for(documents, &alice, &db01, None, Some(&start), all, t0())?;
        match admission.open(&start, t0()) {
            Verdict::Permit(permit) => Ok(permit.terms().files().is_some()),
            Verdict::Refuse(refusal) => Err(refusal),
        }
    };
    let explained = |documents: &Documents| {
        explain(documents, &person("alice"), &target("db01"), &copy, t0()).is_allowed()
    };
    assert_eq!(may(&before), Ok(true));
    assert!(explained(&before));
    let high = heightened(&before, t0());
    assert!(
        matches!(may(&high), Err(Refusal::Posture(_))),
        "{:?}",
        may(&high)
    );
    assert!(!explained(&high));
}
