//! Promises tried on random matrices, requests and approvals, beside a naive model that reads the same matrix its own
//! way: granted ⊆ requested ⊆ matrix, nothing by absence, zero means zero, time only takes away.

use std::collections::BTreeSet;

use ecluse_policy::intervention::request;
use ecluse_policy::*;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::site::*;

// ── a random site, as data

#[derive(Clone, Debug)]
struct World {
    flows: Vec<Line>,
    groups: Vec<&'static str>,
    stations: Vec<&'static str>,
    networks: Vec<&'static str>,
    operators: Vec<&'static str>,
    db_accounts: Vec<&'static str>,
    web_accounts: Vec<&'static str>,
}

#[derive(Clone, Debug)]
struct Line {
    technicians: Vec<&'static str>,
    targets: Vec<&'static str>,
    accounts: Vec<&'static str>,
    allow: Vec<&'static str>,
    hours: &'static str,
    by: u32,
    at_most: &'static str,
}

const SELECTORS: [&str; 4] = [
    "maintech:*",
    "maintech:dba",
    "maintech/alice",
    "maintech/bruno",
];
const TARGETS: [&str; 2] = ["db01", "web01"];
const ACCOUNTS: [&str; 2] = ["ops", "postgres"];
const CAPABILITIES: [&str; 8] = [
    "shell",
    "command: *",
    "command: ls {path}",
    "command: ls {word}",
    "command: ls /tmp",
    "env: LANG",
    "env: LANG LC_*",
    "env: *",
];
const HOURS: [&str; 4] = [
    "always",
    "mon-fri 07:00-20:00 Europe/Paris",
    "mon 10:30-11:30 Europe/Paris",
    "sun 00:00-24:00 UTC",
];

/// Mostly something, sometimes nothing.
fn some(texts: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![12 => subsequence(texts.to_vec(), 1..=most), 1 => Just(Vec::new())]
}

fn line() -> impl Strategy<Value = Line> {
    (
        some(&SELECTORS, 3),
        some(&TARGETS, 2),
        some(&ACCOUNTS, 2),
        some(&CAPABILITIES, 6),
        prop_oneof![3 => Just(HOURS[0]), 3 => Just(HOURS[1]), 1 => select(HOURS.to_vec())],
        prop_oneof![3 => Just(1u32), 1 => Just(2)],
        prop_oneof![1 => Just("0s"), 2 => Just("1h"), 4 => Just("4h"), 4 => Just("12h")],
    )
        .prop_map(
            |(technicians, targets, accounts, allow, hours, by, at_most)| {
                // An account without a target is a mistake that the documents refuse; it is not what is tried here.
                let accounts = if targets.is_empty() {
                    Vec::new()
                } else {
                    accounts
                };
                Line {
                    technicians,
                    targets,
                    accounts,
                    allow,
                    hours,
                    by,
                    at_most,
                }
            },
        )
}

fn world() -> impl Strategy<Value = World> {
    (
        prop::collection::vec(line(), 0..5),
        subsequence(vec!["dba"], 0..=1),
        prop_oneof![6 => Just(vec!["atelier-1"]), 1 => Just(vec![])],
        prop_oneof![6 => Just(vec!["192.0.2.0/24", "2001:db8::/32"]), 1 => Just(vec!["2001:db8::/32"]), 1 => Just(vec![])],
        prop_oneof![4 => Just(vec!["odile", "olive"]), 1 => Just(vec!["odile"]), 1 => Just(vec![])],
        Just(ACCOUNTS.to_vec()),
        prop_oneof![3 => Just(ACCOUNTS.to_vec()), 1 => Just(vec!["ops"])],
    )
        .prop_map(|(flows, groups, stations, networks, operators, db_accounts, web_accounts)| World {
            flows,
            groups,
            stations,
            networks,
            operators,
            db_accounts,
            web_accounts,
        })
}

impl World {
    fn documents(&self) -> Option<Documents> {
        let Self {
            flows,
            groups,
            stations,
            networks,
            operators,
            db_accounts,
            web_accounts,
        } = self;
        let provider = format!(
            "[provider]\nid = \"maintech\"\nname = \"M\"\nlang = \"fr\"\n\
             [[technician]]\nid = \"alice\"\nname = \"A\"\ngroups = {groups:?}\nkeys = [\"{}\"]\nstations = {stations:?}\n\
             [[technician]]\nid = \"bruno\"\nname = \"B\"\ngroups = [\"dba\"]\nstations = []\n\
             [[station]]\nid = \"atelier-1\"\nkeys = [\"{}\"]\nnetworks = {networks:?}\n",
            site_line(ALICE),
            site_line(ATELIER_1),
        );
        let mut client = "[client]\nid = \"hopital\"\nname = \"H\"\nlang = \"fr\"\n".to_owned();
        for operator in operators {
            let seed = if *operator == "odile" { ODILE } else { OLIVE };
            client += &format!(
                "[[operator]]\nid = \"{operator}\"\nname = \"O\"\nkeys = [\"{}\"]\n",
                site_line(seed)
            );
        }
        for (id, accounts) in [("db01", db_accounts), ("web01", web_accounts)] {
            client += &format!(
                "[[target]]\nid = \"{id}\"\naddress = \"{id}.example:22\"\nprotocol = \"ssh\"\nhost-keys = [\"{}\"]\naccounts = {accounts:?}\n",
                site_line(HOST)
            );
        }
        for (
            number,
            Line {
                technicians,
                targets,
                accounts,
                allow,
                hours,
                by,
                at_most,
            },
        ) in flows.iter().enumerate()
        {
            client += &format!(
                "[[flow]]\nname = \"flow-{number}\"\ntechnicians = {technicians:?}\ntargets = {targets:?}\naccounts = {accounts:?}\n\
                 allow = {allow:?}\nhours = \"{hours}\"\nauthentication = [\"station\", \"key\", \"totp\"]\n\
                 approval = {{ by = {by}, at-most = \"{at_most}\" }}\n"
            );
        }
        Documents::parse([
            ("providers/maintech.toml", provider.as_str()),
            ("clients/hopital.toml", &client),
        ])
        .ok()
    }

    /// The same site with one thing less, for each thing that grants.
    fn each_with_one_less(&self) -> Vec<World> {
        let mut worlds = Vec::new();
        fn each(
            world: &World,
            worlds: &mut Vec<World>,
            list: impl Fn(&mut World) -> &mut Vec<&'static str>,
        ) {
            let length = list(&mut world.clone()).len();
            for place in 0..length {
                let mut less = world.clone();
                list(&mut less).remove(place);
                worlds.push(less);
            }
        }
        each(self, &mut worlds, |world| &mut world.groups);
        each(self, &mut worlds, |world| &mut world.stations);
        each(self, &mut worlds, |world| &mut world.networks);
        each(self, &mut worlds, |world| &mut world.operators);
        each(self, &mut worlds, |world| &mut world.db_accounts);
        each(self, &mut worlds, |world| &mut world.web_accounts);
        for place in 0..self.flows.len() {
            let mut less = self.clone();
            less.flows.remove(place);
            worlds.push(less);
            each(self, &mut worlds, |world| {
                &mut world.flows[place].technicians
            });
            each(self, &mut worlds, |world| &mut world.flows[place].targets);
            each(self, &mut worlds, |world| &mut world.flows[place].accounts);
            each(self, &mut worlds, |world| &mut world.flows[place].allow);
        }
        worlds
    }
}

fn site_line(seed: u8) -> String {
    crate::site::line(seed)
}

// ── what is asked and answered

#[derive(Clone, Debug)]
struct Script {
    targets: Vec<&'static str>,
    account: &'static str,
    capabilities: Vec<&'static str>,
    length: &'static str,
    planned: bool,
    narrowing: Narrowing,
}

fn script() -> impl Strategy<Value = Script> {
    (
        prop_oneof![4 => select(TARGETS.to_vec()).prop_map(|one| vec![one]), 1 => Just(TARGETS.to_vec())],
        select(ACCOUNTS.to_vec()),
        subsequence(CAPABILITIES.to_vec(), 1..=2),
        prop_oneof![1 => Just("1s"), 3 => Just("30m"), 3 => Just("1h"), 2 => Just("3h")],
        prop::bool::weighted(0.2),
        prop::option::weighted(0.2, select(vec!["0s", "20m", "1h"])),
        prop::option::weighted(0.2, some(&["shell", "command", "env"], 2)),
        prop::option::weighted(0.2, some(&TARGETS, 2)),
    )
        .prop_map(
            |(targets, account, capabilities, length, planned, shorter, families, fewer)| Script {
                targets,
                account,
                capabilities,
                length,
                planned,
                narrowing: Narrowing {
                    length: shorter.map(span),
                    families: families
                        .map(|families| families.into_iter().map(str::to_owned).collect()),
                    targets: fewer.map(|targets| targets.into_iter().map(target).collect()),
                    accounts: None,
                },
            },
        )
}

/// Asks, and lets every operator approve who can.
fn granted(documents: &Documents, script: &Script) -> Option<(Presence, Intervention)> {
    let presence = log_in(documents, "alice", &[ATELIER_1, ALICE], t0())
        .ok()?
        .presence()?;
    let ask = Ask {
        targets: script.targets.iter().map(|id| target(id)).collect(),
        account: Some(account(script.account)),
        capabilities: Some(
            script
                .capabilities
                .iter()
                .map(|text| capability(text))
                .collect(),
        ),
        reason: "a reason".into(),
        start: script.planned.then(|| t0().plus(span("1h"))),
        length: span(script.length),
    };
    let (id, number) = ids(1);
    let mut intervention = request(
        documents,
        &presence,
        ask,
        Waiting::counted(0, 0),
        id,
        number,
        t0(),
    )
    .ok()?;
    for (operator, seed) in [("odile", ODILE), ("olive", OLIVE)] {
        if let Ok(operator) = log_in(documents, operator, &[seed], t0())
            && let Ok(next) = intervention.approve(documents, &operator, &script.narrowing, t0())
        {
            intervention = next;
        }
    }
    Some((presence, intervention))
}

fn moments() -> Vec<Timestamp> {
    let after = [
        "0s", "1s", "29m59s", "30m", "59m59s", "1h", "1h30m", "2h", "3h", "4h", "5h", "9h",
        "11h59m", "12h", "21h", "24h", "6d",
    ];
    after.iter().map(|text| t0().plus(span(text))).collect()
}

fn requests() -> Vec<FlowRequest> {
    let mut requests = vec![
        FlowRequest::SessionChannel,
        FlowRequest::Pty,
        FlowRequest::WindowChange,
        FlowRequest::Shell,
        FlowRequest::Signal("INT".into()),
        FlowRequest::Signal("INFO".into()),
        command("ls"),
        command("ls /tmp"),
        command("ls a"),
        command("ls /tmp; id"),
        command("id"),
        env("LANG", "C"),
        env("LC_ALL", "C"),
        env("TERM_PROGRAM", "x"),
        env("LD_PRELOAD", "x"),
    ];
    requests.extend(never_served().into_iter().map(|(request, _)| request));
    requests
}

/// What is permitted at each moment, going through them in order as a technician would.
fn permitted_set(
    documents: &Documents,
    presence: &Presence,
    intervention: &Intervention,
    script: &Script,
) -> BTreeSet<(usize, usize, usize)> {
    let mut current = intervention.clone();
    let mut permitted = BTreeSet::new();
    for (moment, now) in moments().into_iter().enumerate() {
        for (place, id) in TARGETS.iter().enumerate() {
            let Ok(admission) = admit(
                documents,
                presence,
                &target(id),
                Some(&account(script.account)),
                std::slice::from_ref(&current),
                now,
            ) else {
                continue;
            };
            current = admission.intervention().clone();
            for (number, request) in requests().iter().enumerate() {
                if let Verdict::Permit(permit) = admission.decide(request, now) {
                    assert!(
                        now < permit.closes_at() && permit.closes_at() <= admission.closes_at()
                    );
                    assert_eq!(permit.destination().to_string(), format!("{id}.example:22"));
                    permitted.insert((moment, place, number));
                }
            }
        }
    }
    permitted
}

// ── the naive model: the same words, read without any of the crate's code for rights

fn naive_answers(capability: &str, request: &FlowRequest) -> bool {
    let is_command = capability.starts_with("command");
    match request {
        FlowRequest::SessionChannel | FlowRequest::Pty | FlowRequest::WindowChange => {
            capability == "shell" || is_command
        }
        FlowRequest::Shell => capability == "shell",
        FlowRequest::Signal(name) => capability == "shell" && name == "INT",
        FlowRequest::Command(bytes) => matches!(
            (capability, bytes.as_slice()),
            ("command: *", _)
                | ("command: ls {path}", b"ls /tmp" | b"ls a")
                | ("command: ls {word}", b"ls a")
                | ("command: ls /tmp", b"ls /tmp")
        ),
        FlowRequest::Env { name, .. } => match (capability, name.as_str()) {
            (_, "LD_PRELOAD") => false,
            ("env: *", _) => true,
            ("env: LANG" | "env: LANG LC_*", "LANG") => true,
            ("env: LANG LC_*", "LC_ALL") => true,
            _ => false,
        },
        _ => false,
    }
}

/// Whether some line of the matrix names alice, the place and the request.
fn naive_lines<'w>(world: &'w World, id: &str, script: &Script) -> Vec<&'w Line> {
    let on_target = if id == "db01" {
        &world.db_accounts
    } else {
        &world.web_accounts
    };
    let names_alice = |selector: &&str| match *selector {
        "maintech:dba" => world.groups.contains(&"dba"),
        other => other != "maintech/bruno",
    };
    world
        .flows
        .iter()
        .filter(|line| line.technicians.iter().any(&names_alice))
        .filter(|line| {
            line.targets.contains(&id)
                && line.accounts.contains(&script.account)
                && on_target.contains(&script.account)
        })
        .collect()
}

fn naive(
    world: &World,
    script: &Script,
    it: &Intervention,
    opened_at: Timestamp,
    id: &str,
    request: &FlowRequest,
    now: Timestamp,
) -> bool {
    let Some(grant) = it.granted() else {
        return false;
    };
    if now < grant.starts_at
        || now >= opened_at.plus(grant.length)
        || !grant.scope.targets.contains(&target(id))
    {
        return false;
    }
    let granted: Vec<String> = grant
        .scope
        .capabilities
        .iter()
        .map(ToString::to_string)
        .collect();
    let family = |text: &str| text.split(':').next().unwrap().to_owned();
    naive_lines(world, id, script).into_iter().any(|line| {
        line.by as usize <= it.approvals().len()
            && grant.length <= span(line.at_most)
            && now < grant.starts_at.plus(span(line.at_most))
            && Schedule::parse(line.hours).unwrap().open_at(now)
            && line.allow.iter().any(|allowed| {
                granted.iter().any(|granted| {
                    family(granted) == family(allowed)
                        && naive_answers(granted, request)
                        && naive_answers(allowed, request)
                })
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn granted_is_within_requested_and_requested_within_the_matrix(world in world(), script in script()) {
        let Some(documents) = world.documents() else { return Ok(()) };
        let Some((_, it)) = granted(&documents, &script) else { return Ok(()) };
        let asked = it.request();
        for id in &asked.scope.targets {
            for wanted in &asked.scope.capabilities {
                let lines = naive_lines(&world, id.as_str(), &script);
                for request in requests().iter().filter(|request| naive_answers(&wanted.to_string(), request)) {
                    prop_assert!(lines.iter().any(|line| line.allow.iter().any(|allowed| naive_answers(allowed, request))), "requested beyond the matrix: {request:?}");
                }
                prop_assert!(lines.iter().any(|line| asked.length <= span(line.at_most)), "longer than any line");
            }
        }
        if let Some(grant) = it.granted() {
            prop_assert!(grant.scope.is_within(&asked.scope) && !grant.scope.is_empty());
            prop_assert!(grant.scope.targets.is_subset(&asked.scope.targets) && grant.scope.accounts.is_subset(&asked.scope.accounts));
            prop_assert!(grant.scope.capabilities.iter().all(|one| asked.scope.capabilities.contains(one)));
            prop_assert!(grant.length <= asked.length && !grant.length.is_zero());
            prop_assert!(grant.length <= script.narrowing.length.unwrap_or(grant.length));
            prop_assert!(grant.starts_at >= asked.start.unwrap_or(asked.requested_at));
            prop_assert!(!it.approvals().is_empty());
        }
    }

    #[test]
    fn every_verdict_agrees_with_the_naive_model(world in world(), script in script()) {
        let Some(documents) = world.documents() else { return Ok(()) };
        let Some((presence, it)) = granted(&documents, &script) else { return Ok(()) };
        let permitted = permitted_set(&documents, &presence, &it, &script);
        // The window opens with the first admission, which any rule gives.
        let opened_at = permitted.iter().next().map(|(moment, _, _)| moments()[*moment]);
        let Some(opened_at) = opened_at else {
            for now in moments() {
                for id in TARGETS {
                    prop_assert!(requests().iter().all(|request| !naive(&world, &script, &it, now, id, request, now)));
                }
            }
            return Ok(());
        };
        for (moment, now) in moments().into_iter().enumerate().filter(|(_, now)| *now >= opened_at) {
            for (place, id) in TARGETS.iter().enumerate() {
                for (number, request) in requests().iter().enumerate() {
                    prop_assert_eq!(
                        permitted.contains(&(moment, place, number)),
                        naive(&world, &script, &it, opened_at, id, request, now),
                        "{} {:?} at {}", id, request, now
                    );
                }
            }
        }
    }

    /// With the same approvals, one element less never permits what was not permitted before.
    #[test]
    fn nothing_is_permitted_by_absence(world in world(), script in script()) {
        let Some(documents) = world.documents() else { return Ok(()) };
        let whole = granted(&documents, &script);
        let before = whole.as_ref().map(|(presence, it)| permitted_set(&documents, presence, it, &script)).unwrap_or_default();
        for less in world.each_with_one_less() {
            let Some(documents) = less.documents() else { continue };
            let Some((presence, it)) = granted(&documents, &script) else { continue };
            let same = whole.as_ref().is_none_or(|(_, whole)| it.approvals().len() <= whole.approvals().len());
            if same {
                let after = permitted_set(&documents, &presence, &it, &script);
                prop_assert!(after.is_subset(&before), "{:?} out of {:?}", after.difference(&before).collect::<Vec<_>>(), less);
            }
            // Taken away while the intervention stands: what is left was there before.
            if let Some((_, it)) = &whole {
                let after = permitted_set(&documents, &presence, it, &script);
                prop_assert!(after.is_subset(&before));
            }
        }
    }

    #[test]
    fn time_only_takes_rights_away(world in world(), script in script()) {
        let Some(documents) = world.documents() else { return Ok(()) };
        let Some((presence, it)) = granted(&documents, &script) else { return Ok(()) };
        for id in TARGETS {
            for begin in moments() {
                let Ok(admission) = admit(&documents, &presence, &target(id), None, std::slice::from_ref(&it), begin) else { continue };
                prop_assert_eq!(admission.recheck(&documents, Some(admission.intervention()), begin), Ok(()));
                let end = admission.closes_at();
                for request in requests() {
                    let mut over = false;
                    for now in moments().into_iter().filter(|now| *now >= begin) {
                        let permit = matches!(admission.decide(&request, now), Verdict::Permit(_));
                        prop_assert!(!(permit && (over || now >= end)), "{request:?} came back at {now}");
                        over |= !permit;
                    }
                }
                prop_assert!(admission.recheck(&documents, Some(admission.intervention()), end).is_err());
                // Once the grant is over, no later moment opens it again without a new approval.
                let grant_end = admission.intervention().due().unwrap();
                for later in ["0s", "1h", "1d", "7d", "300d"] {
                    let again = admit(&documents, &presence, &target(id), None, &[admission.intervention().clone()], grant_end.plus(span(later)));
                    prop_assert!(again.is_err());
                }
            }
        }
    }

    #[test]
    fn before_its_start_and_without_enough_operators_nothing_opens(world in world(), script in script()) {
        let Some(documents) = world.documents() else { return Ok(()) };
        let Some((presence, it)) = granted(&documents, &script) else { return Ok(()) };
        let permitted = permitted_set(&documents, &presence, &it, &script);
        let start = it.request().start.unwrap_or(t0());
        prop_assert!(permitted.iter().all(|(moment, _, _)| moments()[*moment] >= start));
        if world.operators.is_empty() || script.narrowing.length == Some(Span::ZERO) {
            prop_assert!(permitted.is_empty(), "zero means zero");
        }
        let two_each = world.flows.iter().all(|line| line.by == 2);
        if two_each && world.operators.len() < 2 {
            prop_assert!(permitted.is_empty());
        }
    }
}

/// The random sites are not all empty: each promise above was tried on something.
#[test]
fn random_sites_permit_something_often_enough() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut asked, mut approved, mut permitting) = (0, 0, 0);
    for _ in 0..2_000 {
        let world = world().new_tree(&mut runner).unwrap().current();
        let script = script().new_tree(&mut runner).unwrap().current();
        let Some(documents) = world.documents() else {
            continue;
        };
        let Some((presence, it)) = granted(&documents, &script) else {
            continue;
        };
        asked += 1;
        approved += usize::from(it.granted().is_some());
        permitting += usize::from(!permitted_set(&documents, &presence, &it, &script).is_empty());
    }
    assert!(
        asked > 200 && approved > 100 && permitting > 100,
        "{asked} asked, {approved} approved, {permitting} permitting"
    );
}
