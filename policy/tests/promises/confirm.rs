//! Promises of `confirm`: what a line of it names waits for an operator's yes, wherever it is given.

use ecluse_policy::documents::diff;
use ecluse_policy::*;

use crate::site::*;

const FILES: &str = r#"
[[flow]]
name = "files"
technicians = ["maintech:dba"]
targets = ["db01"]
accounts = ["postgres"]
allow = ["sftp-write: /srv/**", "sftp-read: /srv/**", "command: systemctl restart {unit}"]
hours = "always"
authentication = ["station", "key", "totp"]
approval = { by = 1, at-most = "4h" }
"#;

fn saying(more: &str) -> Documents {
    documents_of(&maintech(), &hopital(&format!("{FILES}{more}\n")))
}

fn opened(documents: &Documents) -> (Admission, Permit) {
    let intervention = approved(documents);
    let its = std::slice::from_ref(&intervention);
    let (by, at) = (alice(documents), target("db01"));
    let admission = admit(documents, &by, &at, None, its, t0()).unwrap();
    let sftp = FlowRequest::Subsystem(SFTP.to_owned());
    let permit = permitted(admission.decide(&sftp, t0()));
    (admission, permit)
}

fn waits(files: &FileGrants, right: FileRight, path: &str) -> Option<FileConfirmation> {
    let path = TargetPath::canonical(path.as_bytes()).unwrap();
    let need = FileNeed::Right(right, path);
    assert_eq!(files.decide(&need, t0()), Ok(()));
    files.confirmation(&[need], t0())
}

/// It comes with the permit of a command, names things of files one by one, and acts on a channel that is open.
#[test]
fn what_a_line_of_confirm_names_waits_and_nothing_else() {
    let documents = saying(
        "confirm = [{ line = \"sftp-write: /srv/etc/**\", each = true, within = \"1m\" }, \"command: systemctl restart *\"]",
    );
    let (admission, permit) = opened(&documents);
    let files = permit.terms().files().unwrap();
    let asked = waits(files, FileRight::Write, "/srv/etc/hosts").unwrap();
    assert!(asked.terms.each && asked.terms.within == span("1m"));
    assert_eq!(asked.named, ["sftp-write: /srv/etc/hosts"]);
    assert_eq!(waits(files, FileRight::Read, "/srv/etc/hosts"), None);
    assert_eq!(waits(files, FileRight::Write, "/srv/in/hosts"), None);
    // The subsystem itself starts: each thing on it waits by itself.
    assert_eq!(permit.terms().confirmation(), None);
    let restart = permitted(admission.decide(&command("systemctl restart nginx"), t0()));
    let asked = restart.terms().confirmation().unwrap();
    assert!(!asked.each && asked.within == span("5m"));
    // What is written later is what waits.
    let opened = admission.intervention();
    let later = |documents: &Documents| {
        let bounds = admission.bounds(&permit, documents, Some(opened), t0());
        bounds.unwrap().files.unwrap()
    };
    assert!(waits(&later(&documents), FileRight::Write, "/srv/etc/hosts").is_some());
    assert_eq!(
        waits(&later(&saying("")), FileRight::Write, "/srv/etc/hosts"),
        None
    );
    let all = later(&saying("confirm = [\"sftp-read: /srv/**\"]"));
    assert!(waits(&all, FileRight::Read, "/srv/in/hosts").is_some());
}

/// Of two flows that give the same, the one that asks is asked by.
#[test]
fn a_flow_that_asks_is_not_gone_around_by_another() {
    let lax = FILES.replace("\"files\"", "\"lax\"");
    let documents = saying(&format!("confirm = [\"sftp-write: /srv/etc/**\"]\n{lax}"));
    let (_, permit) = opened(&documents);
    let files = permit.terms().files().unwrap();
    assert!(waits(files, FileRight::Write, "/srv/etc/hosts").is_some());
}

/// A file that is written elsewhere and moved to where writing waits, waits there; whichever flow gives the move.
#[test]
fn a_rename_is_no_way_around() {
    let moves = FILES.replace("\"files\"", "\"moves\"");
    let moves = moves.replace("allow = [", "allow = [\"sftp-rename: /srv/**\", ");
    let documents = saying(&format!("confirm = [\"sftp-write: /srv/etc/**\"]\n{moves}"));
    let (_, permit) = opened(&documents);
    let files = permit.terms().files().unwrap();
    let path = |text: &str| TargetPath::canonical(text.as_bytes()).unwrap();
    let rename = |from: &str, to: &str| {
        let request = FileRequest::Rename {
            from: path(from),
            to: path(to),
            link: None,
            replaces: true,
        };
        files.confirmation(&request.needs(), t0())
    };
    // What is named is told apart from what is done together with it.
    let asked = rename("/srv/tmp/x", "/srv/etc/hosts").unwrap();
    assert_eq!(asked.named, ["sftp-rename: /srv/etc/hosts"]);
    assert_eq!(asked.beside, ["sftp-rename: /srv/tmp/x"]);
    assert!(rename("/srv/etc/hosts", "/srv/tmp/x").is_some());
    assert!(rename("/srv/etc", "/srv/etc2").is_some());
    assert_eq!(rename("/srv/tmp/x", "/srv/tmp/y"), None);
}

#[test]
fn differences_explanations_and_remarks_speak_of_it() {
    let line = "confirm = [{ line = \"command: systemctl restart *\", each = true }]";
    let (before, after) = (saying(""), saying(line));
    let told: Vec<String> = diff(&before, &after)
        .iter()
        .flat_map(|change| change.detail.iter().map(ToString::to_string))
        .collect();
    assert_eq!(told, ["confirm: + command: systemctl restart * (each)"]);
    let explained = |documents: &Documents, asked: &str| {
        let (by, at) = (person("alice"), target("db01"));
        explain(documents, &by, &at, &command(asked), t0()).to_string()
    };
    let words = "needs an operator's yes, each time; without an answer within 5m it is refused";
    assert!(explained(&after, "systemctl restart nginx").contains(words));
    assert!(!explained(&before, "systemctl restart nginx").contains("operator's yes"));
    let remarks = |more: &str, says: &str| {
        let remarks = saying(more).remarks(t0());
        let mut of_it = remarks.iter().filter(|it| it.key == "flow.files.confirm");
        of_it.any(|it| it.says.contains(says))
    };
    let nothing = "makes nothing wait";
    for (line, is_outside) in [
        ("sftp-write: /srv/etc/**", false),
        ("sftp-write: /srv/*/x", false),
        ("sftp-write: /etc/**", true),
        ("sftp-list: /srv/**", true),
        ("command: systemctl *", false),
        ("command: reboot", true),
        ("shell", true),
    ] {
        assert_eq!(
            remarks(&format!("confirm = [\"{line}\"]"), nothing),
            is_outside,
            "{line}"
        );
    }
    let shell = FILES.replace("allow = [", "allow = [\"shell\", ");
    let documents = hopital(&format!("{shell}confirm = [\"sftp-write: /srv/**\"]\n"));
    let remarks = documents_of(&maintech(), &documents).remarks(t0());
    assert!(
        remarks
            .iter()
            .any(|it| it.key == "flow.files.confirm" && it.says.contains("no barrier"))
    );
}

/// What cannot wait, and a time that is none, are mistakes of the document.
#[test]
fn what_does_not_hold_is_refused_with_its_line() {
    for (more, says) in [
        ("confirm = [\"env: LANG\"]", "a variable alone"),
        (
            "confirm = [{ line = \"shell\", within = \"2h\" }]",
            "2h is no such time",
        ),
        ("confirm = [{ line = \"shell\", once = true }]", "once"),
        ("confirm = \"shell\"", "confirm = "),
    ] {
        let client = hopital(&format!("{FILES}{more}\n"));
        let errors = ecluse_policy::documents::parse_client("clients/hopital.toml", &client);
        let errors = errors.unwrap_err();
        assert!(
            errors.iter().any(|error| error.to_string().contains(says)),
            "{more}: {errors:?}"
        );
    }
}

/// Nobody says yes to what they wait for themselves, and nobody to another client's.
#[test]
fn a_yes_is_of_an_operator_of_that_client_and_not_of_whoever_waits() {
    let documents = saying("");
    let odile = odile(&documents);
    let operator = odile.as_operator(&documents, t0()).unwrap();
    let client = |id: &str| ClientId::parse(id).unwrap();
    assert_eq!(
        operator.may_confirm(&client("hopital"), &person("alice")),
        Ok(())
    );
    let own = operator.may_confirm(&client("hopital"), &person("odile"));
    assert_eq!(own, Err(Refusal::OwnRequest));
    let other = operator.may_confirm(&client("mairie"), &person("alice"));
    assert_eq!(other, Err(Refusal::NotItsOperator));
}
