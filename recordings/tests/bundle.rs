//! The bundle as it is written: the same bytes each time, pages that cannot act, and commands that check it with stock
//! programs alone.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests may stop at the first surprise"
)]

mod site;

use std::path::Path;
use std::process::Command;

use ecluse_recordings::bundle::{
    self, BundleError, BundleWriter, Contents, Decision, Granted, InterventionFacts, Language,
    LeftOut, PassedFacts, PassedOnChannel, Why, Window, guide, index,
};
use ecluse_recordings::evidence::signature::{Signer as _, allowed_signers};
use ecluse_recordings::verify::{Finding, Options, Verdict, verify};
use site::{Bundle, Site, assert_intact, gateway, log_key, trusting, witness_key};

fn contents(site: &Site) -> Contents {
    Contents {
        made_us: site::START,
        made_by: "ecluse 0.1.0".to_owned(),
        asked_by: "claire".to_owned(),
        asked_for: "intervention 12".to_owned(),
        checkpoint: site.journal.checkpoint(),
        left_out: vec![LeftOut {
            session: site::session(9),
            number: 9,
            why: Why::NotChosen,
            node: None,
        }],
        cosigners: vec![site::WITNESS.to_owned()],
        entries: 10,
        signers: vec![gateway().public()],
        log_keys: vec![log_key(), witness_key()],
        recordings: site
            .recordings
            .iter()
            .map(|recording| recording.manifest.clone())
            .collect(),
        numbers: [(site.id(0), 31)].into(),
        interventions: vec![InterventionFacts {
            id: site::session(12),
            number: "#12".to_owned(),
            person: "alice".to_owned(),
            client: "hopital".to_owned(),
            acts: vec!["held by hand: 2 ×".to_owned()],
            asked: vec!["press-4: shell".to_owned()],
            reason: "<script>alert(1)</script>\u{202e}".to_owned(),
            requested_us: site::START,
            granted: Some(Granted {
                what: vec!["press-4: shell".to_owned()],
                when: Window::Used {
                    from: site::START,
                    until: site::START + 60 * site::MINUTE,
                },
            }),
            passed: Some(PassedFacts {
                sums: vec!["5000 bytes out, 31 bytes in".to_owned()],
                channels: vec![PassedOnChannel {
                    session: "#31".to_owned(),
                    channel: Some(2),
                    out: 4711,
                    into: 31,
                    what: "<b>pg_dump</b>".to_owned(),
                }],
            }),
            decisions: vec![Decision {
                at_us: site::START,
                by: "bernard".to_owned(),
                what: "approval".to_owned(),
                text: "\"oui\" & 'non'".to_owned(),
            }],
        }],
        documents: vec!["documents/v12/clients/hopital.toml".to_owned()],
    }
}

/// Writes the site's bundle through the writer, recordings from their directories.
fn written(site: &Site, language: Language) -> Vec<u8> {
    let mut parts = Bundle::default();
    site.journal.put_into(&mut parts, &gateway());
    let contents = contents(site);
    let mut writer = BundleWriter::new(Vec::new(), 1_795_600_800);
    for recording in &site.recordings {
        let directory = tempfile::tempdir().unwrap();
        for (name, bytes) in &recording.files {
            std::fs::write(directory.path().join(name), bytes).unwrap();
        }
        let manifest = writer.add_recording(directory.path()).unwrap();
        assert_eq!(manifest, recording.manifest);
    }
    for name in [bundle::ENTRIES, bundle::PROOFS, bundle::CHECKPOINT] {
        writer.add(name, &parts.files[name]).unwrap();
    }
    let keys = format!("{}\n{}\n", log_key(), witness_key());
    writer.add(bundle::LOG_KEYS, keys.as_bytes()).unwrap();
    writer
        .add(
            bundle::ALLOWED_SIGNERS,
            allowed_signers(&contents.signers).as_bytes(),
        )
        .unwrap();
    writer
        .add(bundle::INDEX, index(&contents, language).as_bytes())
        .unwrap();
    writer
        .add(bundle::GUIDE, guide(&contents, language).as_bytes())
        .unwrap();
    writer.finish(&gateway()).unwrap()
}

#[test]
fn a_written_bundle_is_intact_and_always_the_same() {
    let site = Site::new();
    let bytes = written(&site, Language::English);
    assert_eq!(bytes, written(&site, Language::English));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bundle.tar");
    std::fs::write(&path, &bytes).unwrap();
    assert_intact(&verify(&path, &trusting()).unwrap());

    // Stock tar reads it, and finds plain files that belong to nobody in particular.
    let listed = Command::new("tar")
        .args(["-tvf"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(listed.status.success());
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.lines().count() > 20);
    for line in listed.lines() {
        assert!(line.starts_with("-rw-r--r-- 0/0"), "{line}");
    }
}

/// R10: a bundle that a copy or a download cut is not a bundle that somebody altered, wherever it was cut and whoever
/// looks.
#[test]
fn cut_at_any_byte_it_is_missing_and_never_altered() {
    let site = Site::new();
    let whole = written(&site, Language::English);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cut.tar");
    let around = (0..whole.len()).step_by(512).flat_map(|at| {
        let spread = at.wrapping_mul(7919) % 512;
        [at.saturating_sub(1), at, at + 1, at + spread]
    });
    let (mut told, mut last) = (0, usize::MAX);
    for keep in (1..700).step_by(23).chain(around) {
        if keep == 0 || keep >= whole.len() || keep == last {
            continue;
        }
        last = keep;
        std::fs::write(&path, &whole[..keep]).unwrap();
        for options in [Options::default(), site::reading(&site)] {
            let report = verify(&path, &options).unwrap();
            assert_eq!(
                report.verdict,
                Verdict::Missing,
                "{keep}\n{}",
                report.text()
            );
            let altered = |finding: &&Finding| finding.verdict == Verdict::Altered;
            let accused = report.findings.iter().find(altered);
            assert_eq!(accused, None, "{keep}\n{}", report.text());
            assert!(report.text().contains("it ends early"), "{}", report.text());
        }
        told += 1;
    }
    assert!(told > 100, "{told} cuts of {} bytes", whole.len());

    // Cut, and something that is there differs: that is an alteration, and is told with it.
    let manifest = whole
        .windows(17)
        .position(|window| window == b"\"person\": \"alice\"")
        .unwrap();
    let mut bytes = whole[..whole.len() / 2].to_vec();
    bytes[manifest + 12] = b'o';
    std::fs::write(&path, &bytes).unwrap();
    let report = verify(&path, &trusting()).unwrap();
    assert_eq!(report.verdict, Verdict::Altered, "{}", report.text());
}

#[test]
fn names_lengths_and_repetitions_are_refused_when_writing() {
    let mut writer = BundleWriter::new(Vec::new(), 0);
    for name in ["../x", "/x", "a//b", "", "a b", "x\n"] {
        assert!(
            matches!(writer.add(name, b""), Err(BundleError::Name(_))),
            "{name}"
        );
    }
    writer.add("x", b"1").unwrap();
    for name in ["x", bundle::SUMS, bundle::SUMS_SIGNATURE] {
        assert!(
            matches!(writer.add(name, b"2"), Err(BundleError::Twice(_))),
            "{name}"
        );
    }
    for (length, bytes) in [(3, &b"1234"[..]), (5, b"1234")] {
        let mut writer = BundleWriter::new(Vec::new(), 0);
        let refused = writer.add_from("y", length, bytes);
        assert!(matches!(refused, Err(BundleError::Length { .. })));
    }
}

#[test]
fn the_index_cannot_act() {
    let site = Site::new();
    for language in [Language::French, Language::English] {
        let page = index(&contents(&site), language);
        assert!(page.contains(&format!("<html lang=\"{}\">", language.tag())));
        assert!(page.contains("default-src 'none'; style-src 'sha256-"));
        assert!(!page.contains("<script") && !page.contains("<b>pump"));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;‹U+202E›"));
        assert!(page.contains("&quot;oui&quot; &amp; &#39;non&#39;"));
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("src="));
        for said in [
            "alice",
            "press-4",
            "claire",
            "bernard",
            "acme-17",
            "<td>4711</td><td>31</td><td>&lt;b&gt;pg_dump&lt;/b&gt;</td>",
            "ntp ntp1.example",
        ] {
            assert!(page.contains(said), "{said}");
        }
        let recording = &site.recordings[0];
        assert!(page.contains(&recording.manifest.files[0].sha256));
        assert!(page.contains(&site.journal.checkpoint().root.to_string()));
    }
    assert!(index(&contents(&site), Language::French).contains("Preuves de télémaintenance"));
    // As people name them, in their words, and nothing twice.
    let page = index(&contents(&site), Language::French);
    assert!(
        page.contains(&format!("Session #31 ({})", site.id(0))),
        "{page}"
    );
    assert!(
        page.contains("fermée") && !page.contains("closed"),
        "{page}"
    );
    let page = index(&contents(&site), Language::English);
    assert!(
        page.contains("closed") && !page.contains("closed · closed"),
        "{page}"
    );
}

#[test]
fn the_style_has_the_digest_that_the_policy_permits() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let page = index(&contents(&Site::new()), Language::English);
    let style = page
        .split("<style>")
        .nth(1)
        .unwrap()
        .split("</style>")
        .next()
        .unwrap();
    let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style));
    assert!(page.contains(&format!("'sha256-{digest}'")));
}

const PROGRAMS: [&str; 24] = [
    "age",
    "asciinema",
    "awk",
    "base64",
    "basename",
    "basenc",
    "cat",
    "cut",
    "find",
    "grep",
    "mkdir",
    "sed",
    "seq",
    "sh",
    "sha256sum",
    "ssh-keygen",
    "tar",
    "tr",
    "wc",
    "zstd",
    "stty",
    "env",
    "tput",
    "locale",
];

/// Runs what stands between the fences, as it stands, with nothing but stock programs in reach.
fn follow(bundle: &[u8], directory: &Path, guide: &str, key: &Path) -> (bool, String) {
    let tools = directory.join("tools");
    std::fs::create_dir(&tools).unwrap();
    for program in PROGRAMS {
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|place| place.join(program))
            .find(|path| path.is_file());
        match found {
            Some(path) => std::os::unix::fs::symlink(path, tools.join(program)).unwrap(),
            None if ["tput", "locale", "stty"].contains(&program) => {}
            None => {
                panic!("{program} is needed (apt-get install age zstd asciinema openssh-client)")
            }
        }
    }
    let clean = directory.join("clean");
    std::fs::create_dir(&clean).unwrap();
    tar::Archive::new(bundle).unpack(&clean).unwrap();
    let commands: String = guide
        .split("```sh\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap())
        .collect();
    let output = Command::new(tools.join("sh"))
        .args(["-eu", "-c", &commands])
        .current_dir(&clean)
        .env_clear()
        .env("PATH", &tools)
        .env("KEY", key)
        .env("HOME", directory)
        .env("LC_ALL", "C.UTF-8")
        .env("TERM", "xterm")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

/// Invariant 8: the commands of `VERIFY.md`, as they stand, check and read a bundle with stock programs.
#[test]
fn the_commands_of_the_guide_work_with_stock_programs_alone() {
    let site = Site::new();
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("client.key");
    std::fs::write(&key, format!("{}\n", site.client.to_text().as_str())).unwrap();
    for language in [Language::French, Language::English] {
        let place = directory.path().join(language.tag());
        std::fs::create_dir(&place).unwrap();
        let text = guide(&contents(&site), language);
        let (worked, said) = follow(&written(&site, language), &place, &text, &key);
        assert!(worked, "{said}");
        for bad in [
            "ALTERED",
            "NOT IN THE LOG",
            "FAILED",
            "WARNING",
            "No such file",
        ] {
            assert!(!said.contains(bad), "{said}");
        }
        assert_eq!(
            said.matches("Good \"ecluse-bundle@v1\" signature for gateway")
                .count(),
            1
        );
        assert_eq!(
            said.matches("Good \"ecluse-recording@v1\" signature for gateway")
                .count(),
            2
        );
        assert_eq!(said.matches("10:00:00 up 12 days").count(), 2, "{said}");
        for recording in 0..2 {
            let plain = place.join("plain").join(site.id(recording).to_string());
            assert!(site.recordings[recording].plain.len() >= 5);
            for (name, bytes) in &site.recordings[recording].plain {
                assert_eq!(std::fs::read(plain.join(name)).unwrap(), *bytes, "{name}");
            }
        }
    }
}

/// The same commands find what was changed, each at its step.
#[test]
fn the_commands_of_the_guide_find_what_was_changed() {
    let site = Site::new();
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("client.key");
    std::fs::write(&key, format!("{}\n", site.client.to_text().as_str())).unwrap();
    let text = guide(&contents(&site), Language::English);
    let changed = |name: &str, change: &dyn Fn(&mut Bundle)| {
        let mut bundle = site.bundle();
        change(&mut bundle);
        let place = directory.path().join(name);
        std::fs::create_dir(&place).unwrap();
        follow(&bundle.tar(), &place, &text, &key)
    };
    let (worked, said) = changed("flipped", &|bundle| bundle.flip("index.html"));
    assert!(!worked && said.contains("index.html: FAILED"), "{said}");
    let (_, said) = changed("added", &|bundle| bundle.put("more", "x"));
    assert!(said.contains("ALTERED: more"), "{said}");
    let (worked, said) = changed("list", &|bundle| bundle.flip("SHA256SUMS"));
    assert!(!worked, "{said}");
    let (_, said) = changed("cast", &|bundle| {
        bundle.flip(&site.path(0, "01-shell.cast.zst.age"));
        bundle.sign(&gateway());
    });
    assert!(
        said.contains(&format!("ALTERED: recordings/{}/", site.id(0))),
        "{said}"
    );
    let (_, said) = changed("manifest", &|bundle| {
        let mut recording = site.recordings[0].clone();
        recording.manifest.facts.person = "bob".to_owned();
        recording.seal(&gateway());
        bundle.put_recording(&recording);
        bundle.sign(&gateway());
    });
    assert!(
        said.contains(&format!("NOT IN THE LOG: recordings/{}/", site.id(0))),
        "{said}"
    );
    let (_, said) = changed("entry", &|bundle| {
        let entries = String::from_utf8(bundle.files[bundle::ENTRIES].clone()).unwrap();
        bundle.put(bundle::ENTRIES, entries.replacen("alice", "bob", 1));
        bundle.sign(&gateway());
    });
    assert!(
        said.contains("NOT IN THE LOG: line 1 of entries.jsonl"),
        "{said}"
    );
    assert!(
        !said.contains("NOT IN THE LOG: line 2 of entries.jsonl"),
        "{said}"
    );
}
