//! Promises of what stands behind a request: the lines of the matrix that a yes is a yes to.

use ecluse_policy::*;

use crate::site::*;

/// What a technician is offered, and what a yes is a yes to, comes with its terms.
#[test]
fn the_entries_behind_a_request_are_shown_with_their_terms() {
    let documents = crate::terms::flows(
        r#"["shell", { line = "command: top", terminal = true }, { line = "command: *", owner = "Odile", until = "2026-12-31", why = "Ansible" }]"#,
    );
    let reaches = matrix_scope(&documents, &person("alice"), t0());
    let reach = reaches.first().unwrap();
    let shown: Vec<String> = reach.entries.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 3);
    let scope = Scope {
        targets: [target("db01")].into(),
        accounts: reach.scope.accounts.clone(),
        capabilities: vec![capability("command: top")],
    };
    let behind = entries_behind(&documents, &person("alice"), &scope, t0());
    let shown: Vec<String> = behind.iter().map(|one| one.entry.to_string()).collect();
    // Of what a wider line allows, what was asked for and no more.
    assert!(behind.iter().all(|one| one.gives == scope.capabilities));
    assert_eq!(
        shown,
        [
            "command: top (terminal)",
            "command: * (owner Odile, until 2026-12-31, why: Ansible)"
        ]
    );
    // Over, it is behind nothing.
    let later = at("2027-01-01T00:00:00Z");
    assert_eq!(
        entries_behind(&documents, &person("alice"), &scope, later).len(),
        1
    );
}

/// Whoever says yes to any command does not read the few that another flow has, and whoever says yes to those few reads them,
/// and by which line a terminal comes with them.
#[test]
fn what_another_flow_gives_less_of_is_not_behind_a_request() {
    let wide = DBA.replace(
        r#"["shell", "command: pg_dump --schema-only {db}", "env: LANG LC_*"]"#,
        r#"[{ line = "command: *", owner = "Odile", until = "2026-12-31" }]"#,
    );
    let narrow = DBA.replace(r#"name = "dba""#, r#"name = "deux""#).replace(
        r#"["shell", "command: pg_dump --schema-only {db}", "env: LANG LC_*"]"#,
        r#"["command: id", "command: uptime"]"#,
    );
    let documents = with_flows(&format!("{wide}{narrow}"));
    let behind = |capabilities: &[&str]| -> Vec<String> {
        let scope = Scope {
            targets: [target("db01")].into(),
            accounts: [account("postgres")].into(),
            capabilities: capabilities.iter().map(|one| capability(one)).collect(),
        };
        let behind = entries_behind(&documents, &person("alice"), &scope, t0());
        let said = |one: &matrix::Behind| {
            let gives: Vec<String> = one.gives.iter().map(ToString::to_string).collect();
            format!("{} {}", one.flow, gives.join(", "))
        };
        behind.iter().map(said).collect()
    };
    assert_eq!(behind(&["command: *"]), ["dba command: *"]);
    assert_eq!(
        behind(&["command: id", "command: uptime"]),
        [
            "dba command: id, command: uptime",
            "deux command: id",
            "deux command: uptime"
        ]
    );
}
