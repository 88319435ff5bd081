//! Those whom nobody knows keep nobody out, and fill neither the journal nor anybody's screen. F4, F5, P13, invariant 10.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ecluse_tests::plan::{AUDITOR, OPERATOR};
use ecluse_tests::{Plan, Site, Ssh, peers, ports, store, wait};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

/// Longer than any log-on takes on a busy machine, shorter than strangers may stay.
const USUAL: Duration = Duration::from_secs(15);

/// A connection to the door from an address of this machine.
fn connect_from(source: Ipv4Addr, site: &Site) -> Result<TcpStream> {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddrV4::new(source, 0))?;
    let door = SocketAddrV4::new(Ipv4Addr::LOCALHOST, site.plan().ports.door);
    connect(&socket, &door)?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// What the door says first.
fn greeting(stream: &mut TcpStream) -> Result<String> {
    let mut first = [0; 300];
    let length = stream.read(&mut first)?;
    Ok(String::from_utf8_lossy(first.get(..length).unwrap_or_default()).into_owned())
}

/// Whether a connection from there finds a place; it stands in `held` then.
fn finds_a_place(source: Ipv4Addr, site: &Site, held: &mut Vec<TcpStream>) -> Result<bool> {
    let mut stream = connect_from(source, site)?;
    let said = greeting(&mut stream)?;
    if said.starts_with("SSH-2.0-") {
        held.push(stream);
        return Ok(true);
    }
    ensure!(
        said.starts_with("Too many connections") && said.ends_with("\r\n"),
        "a connection that finds no place hears {said:?}"
    );
    Ok(false)
}

/// Operators and auditors come from 127.0.1.0/24, stations from 127.0.2.0/24.
fn networks(plan: &mut Plan) {
    let officers = Some(vec!["127.0.1.0/24".to_owned()]);
    for officer in plan
        .documents
        .operators
        .iter_mut()
        .chain(&mut plan.documents.auditors)
    {
        officer.networks.clone_from(&officers);
    }
    for station in &mut plan.documents.stations {
        station.networks = vec!["127.0.2.0/24".to_owned()];
    }
}

const OFFICE: &str = "127.0.1.1";
const WORKSHOP: &str = "127.0.2.1";

fn from(source: &str, ssh: Ssh) -> Ssh {
    ssh.option(&format!("BindAddress {source}"))
        .option("ConnectTimeout 10")
}

fn operator(site: &Site) -> Ssh {
    from(OFFICE, site.ssh(OPERATOR)).run("pending")
}

fn auditor(site: &Site) -> Ssh {
    from(OFFICE, site.ssh(AUDITOR)).run("recordings")
}

fn technician(site: &Site) -> Ssh {
    from(WORKSHOP, site.ssh("alice")).run("flows")
}

/// F5: four addresses with 64 silent connections each; who belongs here gets in as ever, and operators read of it once.
#[test]
fn silent_strangers_from_four_addresses_keep_nobody_out() -> Result<()> {
    let mut site = Site::start_with(|plan| {
        networks(plan);
        Ok(())
    })?;
    // The codes are remembered from here on, so that what is measured is the door.
    for ssh in [operator(&site), auditor(&site), technician(&site)] {
        ssh.answer()?.success()?;
    }
    let mut held = Vec::new();
    let mut turned_away = 0;
    for last in 2..=5 {
        for _ in 0..64 {
            if !finds_a_place(Ipv4Addr::new(127, 0, 0, last), &site, &mut held)? {
                turned_away += 1;
            }
        }
    }
    ensure!(
        turned_away >= 192 && !held.is_empty(),
        "{turned_away} turned away, {} held",
        held.len()
    );
    for (who, ssh) in [
        ("operator", operator(&site)),
        ("auditor", auditor(&site)),
        ("technician", technician(&site)),
    ] {
        let began = Instant::now();
        ssh.answer()?
            .success()
            .with_context(|| format!("the {who} was kept out"))?;
        let took = began.elapsed();
        ensure!(took < USUAL, "the {who} took {took:?} to log on");
    }
    wait::until_true("the alert on record", Duration::from_secs(60), || {
        Ok(!store::audit(&site, "door-crowded")?.is_empty())
    })?;
    let seen = operator(&site).answer()?.success()?.text();
    let told = seen
        .matches("Connections are turned away at the door")
        .count();
    ensure!(
        told == 1
            && seen.contains("from 4 addresses")
            && seen.contains("single addresses had taken their share"),
        "{seen}"
    );
    let records = store::audit(&site, "door-crowded")?;
    ensure!(records.len() == 1, "told more than once: {records:?}");
    let log = site.process()?.errors() + &site.process()?.output();
    let lines = log.matches("connections are turned away: ").count();
    ensure!(lines == 1, "{lines} lines in the log:\n{log}");
    Ok(())
}

/// F5: each pool is full by itself, and follows the documents as they come into force.
#[test]
fn each_pool_of_places_is_exhausted_by_itself() -> Result<()> {
    let mut site = Site::start_with(|plan| {
        networks(plan);
        plan.documents.settings.limits = [
            "authenticate-within = \"60s\"",
            "unauthenticated = 4",
            "drop-from = 4",
            "unauthenticated-per-source = 2",
            "unauthenticated-stations = 4",
            "unauthenticated-operators = 4",
        ]
        .map(str::to_owned)
        .to_vec();
        Ok(())
    })?;
    let pools = [1, 2, 3];
    for full in pools {
        let mut held = Vec::new();
        for last in [11, 12] {
            for _ in 0..2 {
                let source = Ipv4Addr::new(127, 0, full, last);
                ensure!(finds_a_place(source, &site, &mut held)?, "pool {full}");
            }
        }
        for pool in pools {
            let mut here = Vec::new();
            let source = Ipv4Addr::new(127, 0, pool, 20);
            let found = finds_a_place(source, &site, &mut here)?;
            ensure!(
                found == (pool != full),
                "pool {full} is full, and pool {pool} gives a place: {found}"
            );
        }
        drop(held);
        let source = Ipv4Addr::new(127, 0, full, 20);
        wait::until_true("places again", Duration::from_secs(60), || {
            finds_a_place(source, &site, &mut Vec::new())
        })?;
    }

    // Four strangers wait; then the documents say that their network is the stations'.
    let mut held = Vec::new();
    for last in [11, 11, 12, 12] {
        wait::until_true("a place", Duration::from_secs(60), || {
            finds_a_place(Ipv4Addr::new(127, 0, 3, last), &site, &mut held)
        })?;
    }
    site.apply(|documents| {
        for station in &mut documents.stations {
            station.networks = vec!["127.0.3.0/24".to_owned()];
        }
        Ok(())
    })?;
    wait::until_true("the new pools", Duration::from_secs(60), || {
        let mut here = Vec::new();
        let everybody = finds_a_place(Ipv4Addr::new(127, 0, 2, 20), &site, &mut here)?;
        let station = finds_a_place(Ipv4Addr::new(127, 0, 3, 20), &site, &mut here)?;
        Ok(everybody && !station)
    })
}

/// F5: inside there are so many places a person, and the last are operators'; whoever finds none reads why.
#[test]
fn inside_one_person_takes_so_many_places_and_the_last_are_operators() -> Result<()> {
    let site = Site::start_with(|plan| {
        plan.documents.settings.limits = [
            "authenticate-within = \"60s\"",
            "total = 4",
            "per-person = 2",
            "kept-for-operators = 2",
        ]
        .map(str::to_owned)
        .to_vec();
        Ok(())
    })?;
    for socket in ["first", "second"] {
        site.ssh("alice")
            .shared(socket)
            .run("flows")
            .answer()?
            .success()?;
    }
    site.ssh("alice")
        .run("flows")
        .answer()?
        .status_is(255)?
        .says(&["You have too many connections open here"])?;
    site.ssh("bruno")
        .run("flows")
        .answer()?
        .status_is(255)?
        .says(&["Toutes les places sont prises"])?;
    let seen = site.operator(&["pending"])?.success()?.text();
    ensure!(
        seen.contains("all places after log-on were taken"),
        "{seen}"
    );
    let reasons: Vec<String> = store::audit(&site, "log-off")?
        .iter()
        .filter_map(|record| record.get("reason")?.as_str().map(str::to_owned))
        .collect();
    ensure!(
        reasons
            == [
                "too many connections of this person",
                "no place after log-on"
            ],
        "{reasons:?}"
    );
    Ok(())
}

/// P13: from outside their networks, operators and auditors are answered as a key that nobody has: same bytes, same time.
/// F4: and so are the other door's people, at each of two doors.
#[test]
fn a_key_shown_where_its_owner_may_not_be_is_answered_as_nobodys() -> Result<()> {
    let own_door = ports::free_port()?;
    let mut site = Site::start_with(|plan| {
        plan.documents.settings.operators_listen = Some(format!("127.0.0.1:{own_door}"));
        Ok(())
    })?;
    let at_own_door = |ssh: Ssh| ssh.option(&format!("Port {own_door}"));
    let own = |ssh: Ssh| {
        at_own_door(ssh)
            .option("StrictHostKeyChecking no")
            .option("UserKnownHostsFile /dev/null")
    };
    site.ssh("alice").run("flows").answer()?.success()?;
    own(site.ssh(OPERATOR)).run("pending").answer()?.success()?;
    own(site.ssh(AUDITOR))
        .run("recordings")
        .answer()?
        .success()?;
    own(site.ssh("alice")).run("flows").answer()?.denied()?;
    site.ssh(OPERATOR).run("pending").answer()?.denied()?;
    site.ssh(AUDITOR).run("recordings").answer()?.denied()?;
    same_answers(&site, OPERATOR, &[OPERATOR, AUDITOR])?;

    // The same by networks, at a door for everybody.
    drop(site);
    site = Site::start_with(|plan| {
        networks(plan);
        Ok(())
    })?;
    same_answers(&site, OPERATOR, &[OPERATOR, AUDITOR])?;
    operator(&site).answer()?.success()?;
    site.ssh(OPERATOR).run("pending").answer()?.denied()?;
    Ok(())
}

/// Offers each key, and signs with it: the answers are those that a key nobody has seen gets.
fn same_answers(site: &Site, user: &str, keys: &[&str]) -> Result<()> {
    for (how, rounds) in [("offer", "15"), ("sign", "15")] {
        let mut arguments = vec![how, rounds, user, "new"];
        arguments.extend(keys);
        let answer = peers::run(site, "offers", &arguments)?.success()?;
        let text = answer.text();
        let mut lines = text.lines().map(|line| {
            let mut words = line.split(' ').skip(1);
            let time: f64 = words.next().unwrap_or_default().parse().unwrap_or(f64::NAN);
            (time, words.collect::<Vec<_>>())
        });
        let (usual, said) = lines.next().context("no answers")?;
        ensure!(said.len() == 1, "{how}: several answers: {text}");
        for (time, told) in lines {
            ensure!(told == said, "{how}: another answer: {text}");
            ensure!(
                (time - usual).abs() < f64::max(40.0, usual / 2.0),
                "{how}: another time: {text}"
            );
        }
    }
    Ok(())
}

/// F5: where a provider names an authority, any key may turn out to be certified, and is asked for a signature after a
/// station's: a storm of them is a bounded number of entries, and all of them are counted.
#[test]
fn a_storm_of_refused_log_ons_is_a_few_entries_and_a_count() -> Result<()> {
    let shown = 600u64;
    let mut site = Site::start_with(|plan| {
        let authority = ecluse_tests::keys::pair(&plan.layout, "authority")?;
        plan.documents.provider_lines = vec![format!("authority = [\"{authority}\"]")];
        Ok(())
    })?;
    let began = Instant::now();
    let answer = peers::run(&site, "offers", &["storm", &shown.to_string(), "alice"])?.success()?;
    ensure!(answer.text() == format!("shown: {shown}\n"), "{answer:?}");
    let minutes = usize::try_from(began.elapsed().as_secs() / 60 + 2)?;
    site.close()?;
    let entries = store::audit(&site, "log-on-refused")?;
    let most = minutes * (6 + 1);
    ensure!(
        entries.len() <= most,
        "{} entries, at most {most} are right",
        entries.len()
    );
    let counted: u64 = entries
        .iter()
        .map(|entry| {
            let count = entry.pointer("/detail/count");
            count.and_then(serde_json::Value::as_u64).unwrap_or(1)
        })
        .sum();
    ensure!(counted == shown, "{counted} of {shown} are counted");
    Ok(())
}
