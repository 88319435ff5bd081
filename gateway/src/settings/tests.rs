//! What a settings file may say, and how it is told when it may not.

use super::*;

fn parse(text: &str) -> Settings {
    Settings::parse(Path::new("/etc/ecluse/gateway.toml"), text).unwrap()
}

fn refusal(text: &str) -> String {
    Settings::parse(Path::new("gateway.toml"), text)
        .unwrap_err()
        .to_string()
}

#[test]
fn an_empty_file_gives_the_safe_defaults() {
    let settings = parse("");
    assert_eq!(settings.ssh.listen, ["127.0.0.1:2222".parse().unwrap()]);
    assert_eq!(settings.ssh.banner, Banner::Usual);
    assert_eq!(settings.authentication.remember, Span::from_secs(0));
    let rule = settings.authentication.lockout.person;
    assert_eq!((rule.failures, rule.block), (3, Span::from_secs(1800)));
    assert_eq!(settings.data_dir, Path::new("/var/lib/ecluse"));
    assert_eq!(settings.journal.signing_key, SigningKeySource::Store);
    assert_eq!(
        settings.ssh.host_key,
        Path::new("/var/lib/ecluse/keys/ssh_host_ed25519_key")
    );
    assert_eq!(settings.ssh.operators_listen, []);
    let limits = &settings.limits;
    assert_eq!((limits.total, limits.per_person), (1024, 64));
    assert_eq!(limits.kept_for_operators, 32);
    assert_eq!((limits.unauthenticated, limits.drop_from), (256, 128));
    assert_eq!(limits.unauthenticated_per_source, 16);
    assert_eq!(limits.unauthenticated_operators, 64);
    assert_eq!(limits.unauthenticated_stations, 128);
    assert_eq!(
        (limits.refusals_per_source, limits.refusals_in_all),
        (6, 60)
    );
    assert_eq!(settings.limits.authenticate_within, Span::from_secs(120));
    assert_eq!(
        settings.authentication.unused,
        Some(Span::from_hours(90 * 24))
    );
}

#[test]
fn every_key_is_read() {
    let settings = parse(
        r#"
lang = "en"
data-dir = "state"
store = "postgres://e:secret@db/ecluse"
[ssh]
listen = ["0.0.0.0:22", "[::]:22"]
operators-listen = "10.20.0.1:2222"
host-key = "keys/host"
banner = "Reserved.\nRecorded."
[authentication]
remember = "10m"
unused = "30d"
failures = 4
block = "1h30m"
source-failures = 50
source-block = "5m"
[interventions]
pending-expires = "2h"
waiting-per-person = 1
waiting-in-all = 0
[limits]
per-source = 5
total = 6
per-person = 4
kept-for-operators = 3
unauthenticated = 7
unauthenticated-per-source = 2
drop-from = 1
unauthenticated-operators = 8
unauthenticated-stations = 9
refusals-per-source = 10
refusals-in-all = 11
authenticate-within = "8s"
channels-per-connection = 9
before-login-bytes = "10 KiB"
[recordings]
directory = "/srv/recordings"
warn-below = "3 GiB"
refuse-below = "100 MiB"
reserve = "1 MiB"
[clock]
servers = ["ntp1", "192.0.2.7:1123"]
"#,
    );
    assert_eq!(settings.lang, Lang::En);
    assert_eq!(settings.data_dir, Path::new("/etc/ecluse/state"));
    assert_eq!(
        settings.store,
        StoreAddress::Postgres("postgres://e:secret@db/ecluse".into())
    );
    assert_eq!(settings.ssh.listen.len(), 2);
    let banner = Banner::Written("Reserved.\nRecorded.".to_owned());
    assert_eq!(settings.ssh.banner, banner);
    assert_eq!(settings.ssh.host_key, Path::new("/etc/ecluse/keys/host"));
    assert_eq!(
        settings.authentication.lockout.person.block,
        Span::from_secs(5400)
    );
    assert_eq!(settings.authentication.lockout.source.failures, 50);
    assert_eq!(settings.interventions.waiting_in_all, 0, "zero means zero");
    assert_eq!(
        settings.ssh.operators_listen,
        ["10.20.0.1:2222".parse().unwrap()]
    );
    let limits = &settings.limits;
    assert_eq!(
        (limits.per_source, limits.total, limits.per_person),
        (5, 6, 4)
    );
    assert_eq!(limits.kept_for_operators, 3);
    assert_eq!((limits.unauthenticated, limits.drop_from), (7, 1));
    assert_eq!(limits.unauthenticated_per_source, 2);
    assert_eq!(limits.unauthenticated_operators, 8);
    assert_eq!(limits.unauthenticated_stations, 9);
    assert_eq!(
        (limits.refusals_per_source, limits.refusals_in_all),
        (10, 11)
    );
    assert_eq!(settings.limits.before_login_bytes, 10 << 10);
    assert_eq!(settings.recordings.directory, Path::new("/srv/recordings"));
    let space = settings.recordings.space;
    assert_eq!(
        (space.warn_below, space.refuse_below, space.reserve),
        (3 << 30, 100 << 20, 1 << 20)
    );
    let servers: Vec<_> = settings
        .clock
        .servers
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(servers, ["ntp1:123", "192.0.2.7:1123"]);
    assert!(!format!("{settings:?}").contains("secret"));
}

#[test]
fn a_misspelt_key_is_refused_with_its_line_and_what_would_be_accepted() {
    let error = refusal("lang = \"fr\"\n[authentication]\nfailure = 3\n");
    assert!(
        error.starts_with("gateway.toml:3: authentication.failure: unknown field"),
        "{error}"
    );
    assert!(
        error.contains("accepted: ") && error.contains("`source-failures`"),
        "{error}"
    );
}

#[test]
fn a_value_that_cannot_be_is_refused_with_its_line_and_what_would_be_accepted() {
    for (text, start, accepted) in [
        (
            "[ssh]\nbanner = \"\\u001b[2J\"\n",
            "gateway.toml:2: ssh.banner: ",
            "visible characters",
        ),
        (
            "[limits]\ntotal = -1\n",
            "gateway.toml:2: limits.total: ",
            "0 to 4294967295",
        ),
        (
            "[authentication]\n\nremember = \"soon\"",
            "gateway.toml:3: authentication.remember: ",
            "\"10m\"",
        ),
        (
            "[ssh]\nlisten = \"localhost\"",
            "gateway.toml:2: ssh.listen: ",
            "0.0.0.0:2222",
        ),
        (
            "[ssh]\nlisten = [\n  \"0.0.0.0:22\",\n  \"nowhere\",\n]",
            "gateway.toml:2: ssh.listen: \"nowhere\"",
            "0.0.0.0:2222",
        ),
        (
            "store = \"mysql://root:hunter2@db\"",
            "gateway.toml:1: store: ",
            "postgres://",
        ),
        (
            "[limits]\nbefore-login-bytes = \"many\"",
            "gateway.toml:2: limits.before-login-bytes: ",
            "KiB",
        ),
        (
            "[clock]\nservers = [\"ntp 1\"]",
            "gateway.toml:2: clock.servers: ",
            "ntp.example.net",
        ),
        (
            "[clock]\nservers = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\", \"i\"]",
            "gateway.toml:2: clock.servers: ",
            "at most 8",
        ),
        (
            "lang = \"de\"",
            "gateway.toml:1: lang: ",
            "\"fr\" or \"en\"",
        ),
        (
            "[limits]\ntotal = \"ten\"",
            "gateway.toml:2: limits.total: ",
            "i64",
        ),
    ] {
        let error = refusal(text);
        assert!(error.starts_with(start), "{error}");
        assert!(error.contains(accepted), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn text_that_is_not_toml_names_its_line() {
    let error = refusal("lang = \"fr\"\ndata-dir = \n");
    assert!(error.starts_with("gateway.toml:2: data-dir: "), "{error}");
}

#[test]
fn a_missing_file_says_how_to_name_another() {
    let error = Settings::read(Path::new("/nonexistent/gateway.toml"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("--config FILE"), "{error}");
}

#[test]
fn the_journals_name_and_key_are_read_or_refused() {
    let journal = |text: &str| parse(&format!("[journal]\n{text}")).journal;
    assert_eq!(
        journal("origin = \"gw1.hopital.example\"")
            .origin
            .as_deref(),
        Some("gw1.hopital.example")
    );
    let key = |text: &str| journal(&format!("signing-key = \"{text}\"")).signing_key;
    assert_eq!(
        key("credential:ecluse-signing-key"),
        SigningKeySource::Credential("ecluse-signing-key".into())
    );
    assert_eq!(
        key("agent:/run/ecluse/agent.sock"),
        SigningKeySource::Agent("/run/ecluse/agent.sock".into())
    );
    for (text, accepted) in [
        ("origin = \"two words\"", "without spaces"),
        ("origin = \"a+b\"", "without spaces"),
        ("origin = \"\"", "without spaces"),
        ("signing-key = \"memory\"", "agent:/ABSOLUTE/PATH"),
        ("signing-key = \"agent:relative\"", "agent:/ABSOLUTE/PATH"),
        ("signing-key = \"credential:\"", "credential:NAME"),
        ("signing-key = \"credential:../store\"", "credential:NAME"),
        ("signing-key = \"credential:a/b\"", "credential:NAME"),
        ("sign = true", "origin"),
    ] {
        let refused = refusal(&format!("[journal]\n{text}"));
        assert!(refused.contains(accepted), "{refused}");
    }
}

/// What is left out follows what it is part of.
#[test]
fn a_small_whole_has_small_parts() {
    let limits = parse("[limits]\ntotal = 8\nunauthenticated = 10\nrefusals-in-all = 2").limits;
    assert_eq!((limits.per_person, limits.kept_for_operators), (8, 2));
    assert_eq!(
        (limits.unauthenticated_per_source, limits.drop_from),
        (10, 5)
    );
    assert_eq!(limits.refusals_per_source, 2);
    let nobody = parse("[limits]\ntotal = 0\nunauthenticated = 0").limits;
    assert_eq!((nobody.kept_for_operators, nobody.drop_from), (0, 0));
}

/// F5, F4: keys that read by themselves and contradict one another.
#[test]
fn settings_that_contradict_one_another_are_refused_with_line_and_key() {
    for (text, start, accepted) in [
        (
            "[limits]\ntotal = 10\nper-person = 11",
            "gateway.toml:3: limits.per-person: 11 is more than `total` = 10",
            "accepted: 0 to 10",
        ),
        (
            "[limits]\nkept-for-operators = 2000",
            "gateway.toml:2: limits.kept-for-operators: 2000 is more than `total` = 1024",
            "accepted: 0 to 1024",
        ),
        (
            "[limits]\nunauthenticated-per-source = 257",
            "gateway.toml:2: limits.unauthenticated-per-source: 257 is more than `unauthenticated` = 256",
            "accepted: 0 to 256",
        ),
        (
            "[limits]\n# early\ndrop-from = 50\nunauthenticated = 40",
            "gateway.toml:3: limits.drop-from: 50 is more than `unauthenticated` = 40",
            "accepted: 0 to 40",
        ),
        (
            "[limits]\nrefusals-in-all = 5\nrefusals-per-source = 6",
            "gateway.toml:3: limits.refusals-per-source: 6 is more than `refusals-in-all` = 5",
            "accepted: 0 to 5",
        ),
        (
            "[limits]\nunauthenticated-operators = -1",
            "gateway.toml:2: limits.unauthenticated-operators: ",
            "0 to 4294967295",
        ),
        (
            "[limits]\nunauthenticated-stations = \"many\"",
            "gateway.toml:2: limits.unauthenticated-stations: ",
            "i64",
        ),
        (
            "[ssh]\nlisten = \"10.0.0.1:22\"\noperators-listen = \"10.0.0.1:22\"",
            "gateway.toml:3: ssh.operators-listen: 10.0.0.1:22 is where `listen` listens too",
            "another address or another port",
        ),
        (
            "[ssh]\nlisten = \"[::]:22\"\noperators-listen = [\"10.0.0.1:2222\", \"10.0.0.1:22\"]",
            "gateway.toml:3: ssh.operators-listen: 10.0.0.1:22 is where",
            "another address or another port",
        ),
        (
            "[ssh]\noperators-listen = []",
            "gateway.toml:2: ssh.operators-listen: is empty, so that no operator could log on",
            "without the key operators come by `listen`",
        ),
        (
            "[ssh]\noperators-listen = \"inside\"",
            "gateway.toml:2: ssh.operators-listen: \"inside\"",
            "0.0.0.0:2222",
        ),
    ] {
        let error = refusal(text);
        assert!(error.starts_with(start), "{error}");
        assert!(error.contains(accepted), "{error}");
    }
}

/// Whoever corrects a file corrects it once.
#[test]
fn every_wrong_key_is_told_at_once() {
    let text = "lang = \"de\"\ndata-dirr = \"x\"\n[ssh]\nlisten = \"nowhere\"\n[limitz]\ntotal = 1\n[limits]\ntotal = -1\nper-person = 3\n";
    let told = Settings::parse(Path::new("gateway.toml"), text)
        .unwrap_err()
        .to_string();
    let lines: Vec<&str> = told.lines().collect();
    let begins = [
        "gateway.toml:1: ",
        "gateway.toml:2: ",
        "gateway.toml:4: ",
        "gateway.toml:5: ",
        "gateway.toml:8: ",
    ];
    for place in begins {
        assert!(
            lines.iter().any(|line| line.starts_with(place)),
            "{place}\n{told}"
        );
    }
    assert_eq!(lines.len(), begins.len(), "{told}");
    // What is no TOML is not looked into.
    let told = Settings::parse(
        Path::new("gateway.toml"),
        "lang = \"fr\n[ssh]\nlisten = \"nowhere\"\n",
    )
    .unwrap_err()
    .to_string();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("gateway.toml:1: "), "{told}");
}

#[test]
fn people_reach_a_node_where_its_door_listens_or_where_the_settings_say() {
    let address = |text: &str| parse(text).address().map(|address| address.to_string());
    let listens = "[ssh]\nlisten = \"192.0.2.1:22\"\n";
    assert_eq!(address(listens).unwrap(), "192.0.2.1:22");
    let own = format!("{listens}operators-listen = \"[2001:db8::1]:2222\"\n");
    assert_eq!(address(&own).unwrap(), "[2001:db8::1]:2222");
    let said = format!("{own}[node]\naddress = \"gw2.hopital.example:22\"\n");
    assert_eq!(address(&said).unwrap(), "gw2.hopital.example:22");
    // Everywhere is nowhere that a command could name.
    let everywhere = address("[ssh]\nlisten = \"0.0.0.0:2222\"\n");
    assert!(everywhere.is_none_or(|address| !address.starts_with("0.")));
    assert!(refusal("[node]\naddress = \"gw2\"\n").contains("HOST:PORT"));
}
