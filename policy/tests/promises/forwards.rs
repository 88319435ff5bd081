//! Promises about forwards: which place is given, in which spelling, and which never is (F1, F2, F6).

use ecluse_policy::*;

use crate::site::*;

fn flow(allow: &str) -> Documents {
    with_flows(&format!(
        "[[flow]]\nname = \"dba\"\ntechnicians = [\"maintech:dba\"]\ntargets = [\"db01\"]\naccounts = [\"postgres\"]\nallow = [{allow}]\nhours = \"always\"\nauthentication = [\"station\", \"key\", \"totp\"]\napproval = {{ by = 1, at-most = \"4h\" }}\n"
    ))
}

fn tcp(host: &str, port: u32) -> FlowRequest {
    FlowRequest::DirectTcpip {
        host: host.to_owned(),
        port,
    }
}

fn socket(path: &str) -> FlowRequest {
    FlowRequest::DirectStreamlocal {
        path: path.to_owned(),
    }
}

/// F2: one place in any of its spellings, by the line's own; no other, and nothing else that a line of another family gives.
#[test]
fn f2_one_place_is_given_in_the_spelling_of_its_line() {
    let documents = flow("\"forward: 127.0.0.1:5432\", \"socket: /run/app.sock\", \"shell\"");
    let admission = admitted(&documents);
    for host in ["127.0.0.1", "localhost", "LOCALHOST.", "::ffff:127.0.0.1"] {
        let permit = permitted(admission.decide(&tcp(host, 5432), t0()));
        assert_eq!(permit.capability().to_string(), "forward: 127.0.0.1:5432");
        // Nothing is asked on it.
        assert!(permit.decide(&FlowRequest::WindowChange, t0()).is_err());
        assert!(
            permit
                .decide(&FlowRequest::Signal("INT".into()), t0())
                .is_err()
        );
    }
    let permit = permitted(admission.decide(&socket("/run/app.sock"), t0()));
    assert_eq!(permit.capability().to_string(), "socket: /run/app.sock");
    for (asked, missing) in [
        (tcp("127.0.0.1", 5433), "forward: 127.0.0.1:5433"),
        // Four bytes of a port are not two.
        (
            tcp("127.0.0.1", 65_536 + 5432),
            "no line can name it: a port",
        ),
        (tcp("127.1", 5432), "no line can name it: an IPv4 address"),
        (tcp("::1", 5432), "forward: [::1]:5432"),
        (tcp("db01", 5432), "forward: db01:5432"),
        (socket("/run/app.sock2"), "socket: /run/app.sock2"),
        (socket("/run/../run/app.sock"), "no line can name it"),
    ] {
        let refusal = refused(admission.decide(&asked, t0())).to_string();
        assert!(refusal.contains(missing), "{missing}: {refusal}");
    }
    let shell = flow("\"shell\", \"command: uptime\"");
    let _ = refused(admitted(&shell).decide(&tcp("127.0.0.1", 5432), t0()));
}

/// F6: doors by SSH are given by no line, whatever the matrix says; `check` and `explain` name the line.
#[test]
fn f6_a_door_is_given_by_no_line() {
    let documents = flow(
        "\"forward: 127.0.0.1:22\", \"forward: 10.1.2.3:22\", \"forward: 10.1.2.4:22\", \"forward: 10.1.2.4:80\"",
    );
    let admission = admitted(&documents);
    for (host, given) in [
        ("127.0.0.1", false),
        ("localhost", false),
        ("10.1.2.3", false),
        ("10.1.2.4", false),
    ] {
        let verdict = admission.decide(&tcp(host, 22), t0());
        assert_eq!(matches!(verdict, Verdict::Permit(_)), given, "{host}");
    }
    let _ = permitted(admission.decide(&tcp("10.1.2.4", 80), t0()));
    let remarks = documents.remarks(t0());
    for line in ["forward: 127.0.0.1:22", "forward: 10.1.2.3:22"] {
        let says = format!("`{line}` gives nothing on db01");
        assert!(
            remarks.iter().any(|remark| remark.says.contains(&says)),
            "{remarks:?}"
        );
    }
    let explained = explain(
        &documents,
        &person("alice"),
        &target("db01"),
        &tcp("127.0.0.1", 22),
        t0(),
    );
    assert!(!explained.is_allowed());
    assert!(
        format!("{explained:?}").contains("the door of db01"),
        "{explained:?}"
    );
    let explained = explain(
        &documents,
        &person("alice"),
        &target("db01"),
        &tcp("10.1.2.4", 80),
        t0(),
    );
    assert!(explained.is_allowed(), "{explained:?}");
}

/// I2: a family can be taken out of what is approved, and a line of a wider request is what it is.
#[test]
fn i2_places_are_approved_one_by_one() {
    let line = |text: &str| Capability::parse(text).unwrap();
    let (one, other) = (line("forward: LOCALHOST:80"), line("forward: 127.0.0.1:80"));
    assert_eq!(one, other);
    assert_eq!(one.to_string(), "forward: 127.0.0.1:80");
    assert_eq!(one.common(&line("forward: 127.0.0.1:81")), None);
    assert_eq!(one.common(&line("socket: /a")), None);
    assert_eq!(one.common(&other), Some(other));
    assert!(Capability::FAMILIES.contains(&"forward") && Capability::FAMILIES.contains(&"socket"));
}
