//! Promises about the matrix as one reviews it: each thing has its reason, what was used is counted for the line that gave it, and a
//! client's cases are answered as the door answers. F7, M11, P14, P15.

use ecluse_policy::documents::diff;
use ecluse_policy::review::{self, Used};
use ecluse_policy::{
    Answered, Capability, Cases, Documents, FileRight, FlowRequest, TargetPath, Verdict,
};

use super::site::*;

fn whys(text: &str) -> String {
    text.replace(
        "name = \"dba\"\n",
        "name = \"dba\"\nwhy = \"third-level support\"\n",
    )
}

fn parsed(client: &str) -> Documents {
    let provider = maintech();
    Documents::parse([
        ("clients/hopital.toml", client),
        ("providers/maintech.toml", &provider),
    ])
    .unwrap()
}

/// P14: what says no reason is named, once for each client; a reason that is written shows as a change, and changes no right.
#[test]
fn p14_what_says_no_reason_is_named_and_a_reason_is_a_change() {
    let before = parsed(&hopital(DBA));
    let remarks = before.unjustified();
    let [remark] = remarks.as_slice() else {
        panic!("{remarks:?}")
    };
    assert!(remark.says.contains("flow dba"), "{remark}");
    assert!(remark.says.contains("account postgres@db01"), "{remark}");
    assert!(remark.says.contains("credential postgres@db01"), "{remark}");
    let text = whys(&hopital(DBA)).replacen(
        "accounts = [\"postgres\"",
        "accounts = [{ name = \"postgres\", why = \"owns the files\", credential-why = \"of minutes\" }",
        1,
    );
    let after = parsed(&text);
    let says = &after
        .unjustified()
        .first()
        .map(|remark| remark.says.clone());
    let left = says.clone().unwrap_or_default();
    assert!(
        !left.contains("flow dba") && !left.contains("postgres@db01"),
        "{left}"
    );
    let changes: Vec<String> = diff(&before, &after)
        .into_iter()
        .flat_map(|change| change.detail)
        .collect();
    assert_eq!(
        changes,
        [
            "why: third-level support",
            "credential-why: + postgres: of minutes",
            "why: + postgres: owns the files",
        ]
    );
    for documents in [&before, &after] {
        let admission = admitted(documents);
        let _ = permitted(admission.decide(&FlowRequest::Shell, t0()));
    }
}

/// P15: every derogation of a client is listed, past ones too, with who answers for it.
#[test]
fn p15_every_derogation_is_listed_with_owner_and_end() {
    let text = hopital(DBA)
        .replace("\"shell\"", "{ line = \"command: *\", owner = \"Odile\", until = \"2020-01-31\" }, { line = \"shell\", owner = \"Max\", until = \"2099-12-31\" }")
        .replace("at-most = \"4h\"", "at-most = \"72h\", long = true, owner = \"Odile\", until = \"2099-12-31\"");
    let documents = parsed(&text);
    let client = documents.clients().values().next().unwrap();
    let listed: Vec<(String, Option<&str>, bool)> = review::derogations(&documents, client)
        .into_iter()
        .map(|one| {
            let holds = one.holds_at(t0());
            (one.what, one.answered.map(|it| it.owner()), holds)
        })
        .collect();
    assert_eq!(
        listed,
        [
            ("command: *".to_owned(), Some("Odile"), false),
            ("shell".to_owned(), Some("Max"), true),
            ("at-most 3d".to_owned(), Some("Odile"), true),
        ]
    );
}

/// F7: what was permitted is counted for the line that gave it, however much less of it was granted, and for no other.
#[test]
fn f7_what_passed_is_counted_for_its_line() {
    let text = hopital(DBA).replace(
        "\"shell\"",
        "\"shell\", \"command: *\", \"sftp-read: /var/log/**\"",
    );
    let documents = parsed(&text);
    let client = documents.clients().values().next().unwrap();
    let flows = review::flows(&documents, client);
    let nth = flows
        .iter()
        .position(|flow| flow.name.as_str() == "dba")
        .unwrap();
    let of = |used: &Used| -> Vec<String> {
        let flow = &flows[nth].name;
        let counted = review::counted_for(flows, Some(flow), &target("db01"), used);
        let lines = counted
            .into_iter()
            .map(|(nth, place)| flows[nth].allow[place].line());
        lines.collect()
    };
    let by = |line: &str| Used::By(Capability::parse(line).unwrap());
    assert_eq!(of(&by("shell")), ["shell"]);
    assert_eq!(of(&by("command: *")), ["command: *"]);
    let template = "command: pg_dump --schema-only {db}";
    assert_eq!(of(&by(template)), [template]);
    assert_eq!(of(&by("command: id")), ["command: *"]);
    assert_eq!(
        of(&by("sftp-read: /var/log/app/**")),
        ["sftp-read: /var/log/**"]
    );
    assert_eq!(of(&by("sftp-read: /etc/**")), [""; 0]);
    assert_eq!(of(&Used::Variable("LC_ALL".into())), ["env: LANG LC_*"]);
    let path = TargetPath::canonical(b"/var/log/x").unwrap();
    assert_eq!(
        of(&Used::File(FileRight::Read, path.clone())),
        ["sftp-read: /var/log/**"]
    );
    assert_eq!(of(&Used::File(FileRight::Write, path)), [""; 0]);
    assert_eq!(of(&Used::Family("command".into())).len(), 2);
}

/// M11: a case is answered as the door answers, at each hour and from each station.
#[test]
fn m11_a_case_is_answered_as_the_door_answers() {
    let documents = documents();
    let presence = alice(&documents);
    let admission = admitted(&documents);
    let asked = [
        ("shell", FlowRequest::Shell),
        (
            "command: pg_dump --schema-only prod",
            command("pg_dump --schema-only prod"),
        ),
        ("command: pg_dump prod", command("pg_dump prod")),
        (
            "command: pg_dump --schema-only a;id",
            command("pg_dump --schema-only a;id"),
        ),
    ];
    for (words, request) in asked {
        let text = format!(
            "[[case]]\nname = \"x\"\nperson = \"alice\"\nstation = \"{}\"\ntarget = \"db01\"\naccount = \"postgres\"\nasks = \"{words}\"\nat = \"{}\"\nexpect = \"allowed\"\n",
            presence.station(),
            t0()
        );
        let read = request.clone();
        let cases = Cases::parse("cases.toml", &text, |_| Ok(read.clone())).unwrap();
        let answered = cases.cases[0].answered(&documents, t0());
        let is_allowed = matches!(answered, Answered::Allowed(_));
        let is_permitted = matches!(admission.decide(&request, t0()), Verdict::Permit(_));
        assert_eq!(is_allowed, is_permitted, "{words}: {answered:?}");
        assert_eq!(cases.cases[0].is_right(&answered), is_permitted);
        let elsewhere = text.replace(presence.station().as_str(), "atelier-2");
        let cases = Cases::parse("cases.toml", &elsewhere, |_| Ok(read.clone())).unwrap();
        let answered = cases.cases[0].answered(&documents, t0());
        assert!(matches!(answered, Answered::Refused(_)), "{answered:?}");
    }
}

/// M11: a file of cases is read as strictly as a document.
#[test]
fn m11_a_file_of_cases_says_what_is_wrong_with_it() {
    let case = "[[case]]\nname = \"x\"\nperson = \"alice\"\ntarget = \"db01\"\nasks = \"shell\"\nexpect = \"allowed\"\n";
    let read = |text: &str| Cases::parse("c.toml", text, |_| Ok(FlowRequest::Shell));
    assert!(read(case).is_ok());
    for (text, words) in [
        (String::new(), "case: is missing"),
        (case.replace("allowed", "yes"), "`yes` is neither"),
        (case.replace("name", "nom"), "nom: is not a key here"),
        (
            format!("{case}because = \"hours\"\n"),
            "does not stand beside this answer",
        ),
        (
            case.replace("allowed", "refused") + "by = \"dba\"\n",
            "does not stand beside this answer",
        ),
        (format!("{case}at = \"2026-12-01\"\n"), "is not an instant"),
    ] {
        let errors = read(&text).unwrap_err();
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(
            said.iter().any(|one| one.contains(words)),
            "{words}: {said:?}"
        );
    }
}
