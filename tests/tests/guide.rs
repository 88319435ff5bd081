//! The guide in a bundle that the gateway really made, run as it stands, and the digests in it by other stock programs than
//! its own. R3, R10, invariant 8.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use ecluse_tests::Site;

use crate::bundles::{ends_with, export, recorded, said};

/// Unpacked into a directory of its own, `bundle`.
fn unpacked(bundle: &Path) -> Result<tempfile::TempDir> {
    let into = tempfile::tempdir()?;
    fs::create_dir(into.path().join("bundle"))?;
    let done = Command::new("tar")
        .arg("-xf")
        .arg(bundle)
        .arg("-C")
        .arg(into.path().join("bundle"))
        .status()?;
    ensure!(done.success(), "tar does not unpack the bundle");
    Ok(into)
}

fn shell(site: &Site, directory: &Path, script: &str) -> Result<Output> {
    Command::new("bash")
        .args(["-uo", "pipefail", "-c", script])
        .current_dir(directory)
        .env("KEY", site.layout().recording_key())
        .output()
        .context("bash cannot be run")
}

/// The commands of the guide, in their order.
fn commands(directory: &Path) -> Result<Vec<String>> {
    let guide = fs::read_to_string(directory.join("VERIFY.md"))?;
    let parts = guide.split("```sh\n").skip(1);
    parts
        .map(|part| {
            let (commands, _) = part.split_once("\n```").context("a fence without an end")?;
            Ok(commands.to_owned())
        })
        .collect()
}

/// Runs all of them; what they say.
fn follow(site: &Site, directory: &Path) -> Result<String> {
    let mut all = String::new();
    for part in commands(directory)? {
        // It plays in real time; `bundles` looks at what is played.
        if part.contains("asciinema play") {
            continue;
        }
        let done = shell(site, directory, &part)?;
        ensure!(done.status.success(), "{part}\n{}", said(&done));
        all.push_str(&said(&done));
    }
    // What was decrypted is none of the bundle's, which is what it was.
    ensure!(!directory.join("plain").exists());
    Ok(all)
}

/// R3, invariant 8: of what the gateway exported, the guide's own commands find nothing wrong; and what is changed, they do.
#[test]
fn the_guides_commands_hold_of_a_real_bundle_and_name_what_was_changed() -> Result<()> {
    let site = recorded(|_| Ok(()))?;
    for (lang, asked) in [("en", &["1"][..]), ("fr", &["--client", "hopital"])] {
        let asked = [asked, &["--lang", lang]].concat();
        let bundle = export(&site, &asked, &format!("{lang}.tar"))?;
        let into = unpacked(&bundle)?;
        let place = into.path().join("bundle");
        let told = follow(&site, &place)?;
        ensure!(into.path().join("plain").exists(), "nothing was decrypted");
        let again = site.gateway().try_run([Path::new("verify"), &place], "")?;
        ends_with(&again, 0, &["intact"])?;
        ensure!(
            told.contains("Good \"ecluse-bundle@v1\"")
                && told.contains("Good \"ecluse-recording@v1\""),
            "{told}"
        );
        for accused in ["ALTERED", "NOT IN THE LOG", "FAILED"] {
            ensure!(!told.contains(accused), "{told}");
        }
        let salts = fs::read_to_string(place.join("salts"))?;
        for kind in [
            "interventions/1.json",
            "/clients/hopital.toml",
            "/providers/maintech.toml",
        ] {
            ensure!(lang == "fr" || salts.contains(kind), "{kind}: {salts}");
        }
        for line in salts.lines() {
            let (_, name) = line.split_once("  ").context("no name")?;
            let file = place.join(name);
            let text = fs::read(&file)?;
            fs::write(&file, [&text[..], b" "].concat())?;
            let told = follow(&site, &place)?;
            let words = match name.starts_with("interventions/") {
                true => format!("ALTERED: {name}"),
                false => format!("NOT IN THE LOG: {name}"),
            };
            ensure!(told.contains(&words), "{words}: {told}");
            fs::write(&file, text)?;
        }
    }
    Ok(())
}

/// R3: the same digests by `jq` and `openssl`, from the entries as JSON and not by patterns.
#[test]
fn each_salted_digest_is_what_jq_and_openssl_say() -> Result<()> {
    const CHECK: &str = r#"
        digest() { { printf '%s\n' "$1"; cat "$2"; } | openssl dgst -sha256 -r | cut -d ' ' -f 1; }
        while read -r salt f; do
          h=$(digest "$salt" "$f")
          case $f in
            interventions/*)
              said=$(jq -rs --arg id "$(jq -r .request.id "$f")" '
                map(select(.intervention == $id and .verdict != "refuse"
                  and (.kind | IN("request", "seen", "approval", "opening", "closing", "cancel", "refusal", "expiry", "bound"))))
                | last | .detail["intervention-salted-sha256"]' entries.jsonl) ;;
            documents/v*)
              v=${f#documents/v}; v=${v%%/*}
              owner="$(basename "$(dirname "$f")" s) $(basename "$f" .toml)"
              said=$(jq -rs --arg owner "$owner" --argjson v "$v" '
                map(select(.kind != "not-on-record" and .detail["document-of"] == $owner and .detail.version <= $v))
                | last | .detail["document-salted-sha256"]' entries.jsonl)
              began=$(jq -rs --arg owner "$owner" --argjson v "$v" '
                map(select(.kind == "session-start" and .detail.documents == $v))
                | last | .detail["documents-salted-sha256"][$owner]' entries.jsonl)
              [ "$began" = null ] || [ "$began" = "$h" ] || echo "$f: the session began under $began and not $h" ;;
          esac
          [ "$h" = "$said" ] && echo "right: $f" || echo "$f: $said and not $h"
        done < salts"#;
    let site = recorded(|_| Ok(()))?;
    let bundle = export(&site, &["1"], "evidence.tar")?;
    let into = unpacked(&bundle)?;
    let place = into.path().join("bundle");
    let told = shell(&site, &place, CHECK)?;
    let text = said(&told);
    let salts = fs::read_to_string(place.join("salts"))?;
    ensure!(salts.lines().count() >= 3, "{salts}");
    ensure!(
        text.lines().count() == salts.lines().count()
            && text.lines().all(|line| line.starts_with("right: ")),
        "{text}"
    );
    // Without its salt, a text is vouched for by nobody, and that is said.
    let name = "interventions/1.json";
    let without: String = salts
        .lines()
        .filter(|line| !line.ends_with(name))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(place.join("salts"), without)?;
    let told = site.gateway().try_run([Path::new("verify"), &place], "")?;
    ends_with(&told, 4, &[&format!("{name}: its salt is not there")])
}
