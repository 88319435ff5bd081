//! `VERIFY.md`: how to check a bundle with programs that every system has, and no trust in ours.
//!
//! The commands stand between ```` ```sh ```` fences, in the order to run them; a test runs them as they are.

use std::fmt::Write as _;

use super::words::Language;
use super::{Contents, RECORDINGS};
use crate::evidence::manifest::Form;
use crate::evidence::signature::{BUNDLE_NAMESPACE, RECORDING_NAMESPACE, SIGNER};

/// The guide, with the names of this bundle.
#[must_use]
pub fn guide(contents: &Contents, language: Language) -> String {
    let text = match language {
        Language::French => &FRENCH,
        Language::English => &ENGLISH,
    };
    let mut guide = String::new();
    let mut part = |words: &str, commands: &str| {
        let _ = writeln!(guide, "{words}\n");
        if !commands.is_empty() {
            let _ = writeln!(guide, "```sh\n{}\n```\n", commands.trim_matches('\n'));
        }
    };
    part(text.beginning, "");
    part(text.keys, "cat allowed_signers log-keys");
    part(text.list, &list());
    if !contents.recordings.is_empty() {
        part(text.recordings, &recordings());
    }
    if contents.entries > 0 {
        part(text.inclusion, INCLUSION);
    }
    if !contents.interventions.is_empty() || !contents.documents.is_empty() {
        part(text.bound, BOUND);
    }
    let readable = |form| {
        contents
            .recordings
            .iter()
            .filter(move |one| one.form == form)
    };
    if readable(Form::Files).next().is_some() {
        part(text.decrypt, DECRYPT);
        let play: String = readable(Form::Files)
            .flat_map(|manifest| {
                let session = manifest.session();
                manifest.files.iter().filter_map(move |file| {
                    let cast = file.name.strip_suffix(".zst.age")?;
                    let cast = cast.ends_with(".cast").then_some(cast)?;
                    Some(format!("asciinema play -i 2 ../plain/{session}/{cast}\n"))
                })
            })
            .take(50)
            .collect();
        if !play.is_empty() {
            part(text.play, &play);
        }
    }
    if readable(Form::Journal).next().is_some() {
        part(text.journals, "");
        let names: String = readable(Form::Journal)
            .map(|manifest| format!("- `{RECORDINGS}{}/`\n", manifest.session()))
            .collect();
        part(&names, "");
    }
    part(text.ecluse, "");
    guide
}

fn list() -> String {
    format!(
        r#"
ssh-keygen -Y verify -f allowed_signers -I {SIGNER} -n {BUNDLE_NAMESPACE} -s SHA256SUMS.sig < SHA256SUMS
sha256sum --check --strict --quiet SHA256SUMS
find . -type f ! -name SHA256SUMS ! -name SHA256SUMS.sig | sed 's|^\./||' | while read -r f; do
  grep -qxF "$(sha256sum "$f")" SHA256SUMS || echo "ALTERED: $f"
done
"#
    )
}

fn recordings() -> String {
    format!(
        r#"
for r in recordings/*/; do
  ssh-keygen -Y verify -f allowed_signers -I {SIGNER} -n {RECORDING_NAMESPACE} -s "$r/manifest.json.sig" < "$r/manifest.json" ||
    echo "ALTERED: $r/manifest.json"
  awk -F '"' '/"files": \[/ {{ files = 1 }} files && $2 == "name" {{ name = $4 }} files && $2 == "sha256" {{ print $4 "  " name }}' \
    "$r/manifest.json" | (cd "$r" && sha256sum --check --strict --quiet) || echo "ALTERED: $r"
  grep -qF "\"manifest-sha256\":\"$(sha256sum < "$r/manifest.json" | cut -d ' ' -f 1)\"" entries.jsonl ||
    echo "NOT IN THE LOG: $r"
done
"#
    )
}

/// RFC 9162 §2.1.3.2 in the shell.
const INCLUSION: &str = r#"
bytes() { tr a-f A-F | basenc --base16 -d; }
sha() { sha256sum | cut -d ' ' -f 1; }
included() {
  i=$(sed -n "$1s/^{\"salt\":\"[0-9a-f]*\",\"seq\":\([0-9]*\),.*/\1/p" entries.jsonl)
  i=$((i - 1)) last=$(($(sed -n 2p checkpoint) - 1))
  h=$({ printf '\000'; sed -n "$1p" entries.jsonl | tr -d '\n'; } | sha)
  for p in $(sed -n "$(($1 + 1))p" proofs.jsonl | grep -o '[0-9a-f]\{64\}'); do
    if [ $((i % 2)) = 1 ] || [ "$i" = "$last" ]; then
      h=$(printf '01%s%s' "$p" "$h" | bytes | sha)
      while [ $((i % 2)) = 0 ] && [ "$i" -gt 0 ]; do i=$((i / 2)) last=$((last / 2)); done
    else
      h=$(printf '01%s%s' "$h" "$p" | bytes | sha)
    fi
    i=$((i / 2)) last=$((last / 2))
  done
  [ "$last" = 0 ] && [ "$(printf '%s' "$h" | bytes | base64)" = "$(sed -n 3p checkpoint)" ] ||
    echo "NOT IN THE LOG: line $1 of entries.jsonl"
}
all=$(wc -l < entries.jsonl)
for n in $(seq "$all"); do
  included "$n"
  [ $((n % 100)) != 0 ] || echo "$n of $all entries" >&2
done
chain() {
  last=0 hash=
  while IFS= read -r line; do
    set -- $(printf '%s\n' "$line" | sed -n 's/^.*,"nth":\([0-9]*\)\(,"previous":"\([0-9a-f]*\)"\)\{0,1\}}$/\1 \3/p')
    [ -n "${1:-}" ] || continue
    if [ "$1" -le "$last" ] || { [ "$1" = $((last + 1)) ] && [ "${2:-}" != "$hash" ]; }; then
      echo "ALTERED: number $1 of the trail does not follow number $last"
    fi
    last=$1 hash=$({ printf '\000'; printf '%s' "$line"; } | sha)
  done < entries.jsonl
}
chain
"#;

/// The digest of each text with its salt stands in an entry; of an intervention, in the last that tells of a step.
const BOUND: &str = r#"
salted() { { printf '%s\n' "$1"; cat "$2"; } | sha256sum | cut -d ' ' -f 1; }
[ ! -e salts ] || while read -r salt f; do
  h=$(salted "$salt" "$f")
  case $f in
    interventions/*)
      id=$(grep -o '"id":"[0-9a-f-]*"' "$f" | head -n 1 | cut -d '"' -f 4)
      said=$(grep -F "\"intervention\":\"$id\"" entries.jsonl | grep -Ev '"kind":"(permit|session-start|not-on-record)"' |
        grep -v '"verdict":"refuse"' | grep -o '"intervention-salted-sha256":"[0-9a-f]*"' | tail -n 1 | cut -d '"' -f 4)
      [ "$h" = "$said" ] || echo "ALTERED: $f" ;;
    *) [ "$(grep -vF '"kind":"not-on-record"' entries.jsonl | grep -cF "\"$h\"")" != 0 ] || echo "NOT IN THE LOG: $f" ;;
  esac
done < salts
"#;

const DECRYPT: &str = r#"
umask 077
KEY=${KEY:-$HOME/client.key}
for r in recordings/*/; do
  to=../plain/$(basename "$r")
  mkdir -p "$to"
  age -d -i "$KEY" "$r/recording.key.age" > "$to/recording.key"
  for f in "$r"*.zst.age; do
    [ -e "$f" ] || continue
    age -d -i "$to/recording.key" "$f" | zstd -q -d > "$to/$(basename "$f" .zst.age)"
  done
done
"#;

struct Text {
    beginning: &'static str,
    keys: &'static str,
    list: &'static str,
    recordings: &'static str,
    inclusion: &'static str,
    bound: &'static str,
    decrypt: &'static str,
    play: &'static str,
    journals: &'static str,
    ecluse: &'static str,
}

const ENGLISH: Text = Text {
    beginning: "# How to check this bundle

Everything below runs with stock programs: `sha256sum` and the other coreutils, `ssh-keygen` (OpenSSH 8.2 or later),
`age`, `zstd`, `asciinema`. Nothing asks the gateway. Unpack the bundle (`tar -xf …`) and run the commands in the
directory where this file is. A command that finds something wrong says so; silence, or `Good …`, means that it holds.",
    keys: "## 1. Whose keys

All that follows rests on these public keys. They came with the bundle, so by themselves they prove nothing: compare them
with what the gateway's administrator gave you on another day, in another way.",
    list: "## 2. The list of files

The list is signed; every file has the digest that the list says; and no file is here that is not on it.",
    recordings: "## 3. The recordings

The manifest of each recording is signed; every file has the digest that the manifest says; and the journal has an entry
with the manifest's own digest, made when the recording was sealed.",
    inclusion: "## 4. The journal

`entries.jsonl` has the journal's entries that concern this bundle, as they were hashed. The journal is a Merkle tree
(RFC 6962): `checkpoint` has its number of entries and its root, signed; `proofs.jsonl` has, for each entry, the hashes of
the neighbours on the way from the entry to the root. An entry that was changed, or never was in the journal, leads to
another root. (In the shell this takes some time: about a second for five entries, with a word each hundred. `ecluse verify`
needs none.) That today's journal extends the one of an earlier checkpoint, which you kept, `ecluse verify --since` shows.

Each entry also has its number among the client's entries, `nth`, and in `previous` the hash of the one before it.
`trail.json` has how many there are at the checkpoint (compare it with the count that came with your own copies), and, in a
bundle of the whole client, the number from which on all of them are here: `ecluse verify` then names each that is missing.

`at` is when it happened, in microseconds since 1970, by the clock of whoever wrote it; its place it has from the journal.
`ecluse verify` holds the two together: it notes dates that do not fit their place, and calls missing what was destroyed before
it was due (`due-us`).",
    bound: "## 5. What was asked, approved, and in force

`interventions/` and `documents/` hold the texts as they were hashed, and `salts` what was hashed before each: the digest of
salt, line feed and text stands in an entry. Of an intervention it is the last entry that tells of a step; of a document, the
one that put it in force, or that told the client of it when it began to concern it. What was removed under retention is in
neither place, and its salt nowhere. Silence means that nothing was changed since in the gateway's store. (What is from before the
journal had such digests is told as not in the log here; `ecluse verify` says which that is.) Who asked, who approved and
when, the entries themselves say: `grep -E '\"kind\":\"(request|approval|opening|session-start)\"' entries.jsonl`.",
    decrypt: "## 6. What was recorded

Whoever holds a key that the recordings were made for reads them, in two steps: the key opens `recording.key.age`, and what
is in there opens the rest. Put the path of your age key into `KEY`. What is written to `../plain/`, beside the
bundle and not into it, is in clear: remove it when you are done.",
    play: "Sessions play in a terminal. (What was typed and not echoed, such as passwords, stands in the `.unechoed.jsonl` files
alone. Do not print other files to a terminal: they hold what the target sent, as it was.) What the gateway told the
technician stands in them in the technician's language; a transcript says in the reader's what stands there in English.",
    journals: "Some recordings are kept as an encrypted journal, because the gateway stopped before it could turn them into files.
Stock programs do not read these; `ecluse verify --key` checks them, and
`ecluse recordings read DIR --key client.key --into DIR` writes them as such files, in clear.",
    ecluse: "## 7. All at once

`ecluse verify BUNDLE.tar` does all of the above on any machine, and `--key client.key` also reads everything to its end.
Give it the keys that you trust (`--signers FILE`, `--log-key FILE`) and the last checkpoint that you kept (`--since FILE`).
It says, and ends with: intact (0), cut short by a crash (3), altered (4), missing (5), reordered (6), not in the log (7),
older than the checkpoint that you gave (8): then export again to compare, or give it the proof that joins the two
(`ecluse journal proof --from N`, with the number of entries of this bundle) as `--since`. What was asked for stands in
`choice.json`: of what nobody asked for it says so, and calls nothing missing that belongs elsewhere. A recording that lies on
another gateway is named with that gateway, which exports it: it is checked in the bundle from there.",
};

const FRENCH: Text = Text {
    beginning: "# Comment vérifier ce dossier

Tout ce qui suit se fait avec des programmes courants : `sha256sum` et les autres coreutils, `ssh-keygen` (OpenSSH 8.2 ou
plus récent), `age`, `zstd`, `asciinema`. Rien n'est demandé à la passerelle. Décompressez le dossier (`tar -xf …`) et
lancez les commandes dans le répertoire où se trouve ce fichier. Une commande qui trouve une anomalie le dit ; le silence,
ou `Good …`, signifie que tout tient.",
    keys: "## 1. Les clés de qui

Tout repose sur ces clés publiques. Elles sont venues avec le dossier et ne prouvent donc rien par elles-mêmes :
comparez-les à celles que l'administrateur de la passerelle vous a remises un autre jour, par une autre voie.",
    list: "## 2. La liste des fichiers

La liste est signée ; chaque fichier a l'empreinte que donne la liste ; et aucun fichier ne se trouve ici sans y être.",
    recordings: "## 3. Les enregistrements

Le manifeste de chaque enregistrement est signé ; chaque fichier a l'empreinte que donne le manifeste ; et le journal a une
entrée avec l'empreinte du manifeste lui-même, faite lors du scellement.",
    inclusion: "## 4. Le journal

`entries.jsonl` contient les entrées du journal qui concernent ce dossier, telles qu'elles ont été hachées. Le journal est
un arbre de Merkle (RFC 6962) : `checkpoint` donne son nombre d'entrées et sa racine, signés ; `proofs.jsonl` donne, pour
chaque entrée, les empreintes des voisins sur le chemin de l'entrée à la racine. Une entrée modifiée, ou qui n'a jamais été
dans le journal, mène à une autre racine. (Dans le shell, cela prend du temps : environ une seconde pour cinq entrées, avec un mot
toutes les cent. `ecluse verify` n'en demande pas.) Que le journal d'aujourd'hui prolonge celui d'un point de contrôle antérieur, que
vous avez gardé, `ecluse verify --since` le montre.

Chaque entrée a aussi son numéro parmi celles du client, `nth`, et dans `previous` l'empreinte de la précédente. `trail.json`
dit combien il y en a au point de contrôle (comparez avec le nombre venu avec vos propres copies), et, dans un dossier de tout
le client, à partir de quel numéro elles sont toutes ici : `ecluse verify` nomme alors chacune qui manque.

`at` dit quand, en microsecondes depuis 1970, selon l'horloge de qui l'a écrite ; sa place lui vient du journal. `ecluse verify`
confronte les deux : il signale les dates qui ne vont pas avec leur place, et dit manquant ce qui a été détruit avant son
terme (`due-us`).",
    bound: "## 5. Ce qui a été demandé, approuvé, et en vigueur

`interventions/` et `documents/` contiennent les textes tels qu'ils ont été hachés, et `salts` ce qui a été haché avant
chacun : l'empreinte du sel, d'un saut de ligne et du texte se trouve dans une entrée. Pour une intervention, c'est la dernière
qui rapporte une étape ; pour un document, celle qui l'a mis en vigueur, ou qui l'a rapporté au client quand il a commencé à le
concerner. Ce qui a été supprimé au terme de sa conservation n'est à aucun des deux endroits, et son sel nulle part. Le silence signifie que rien n'a été changé depuis dans
la base de la passerelle. (Ce qui date d'avant ces empreintes est dit ici absent du journal ; `ecluse verify` précise de quoi il
s'agit.) Qui a demandé, qui a approuvé et quand, les entrées elles-mêmes le disent :
`grep -E '\"kind\":\"(request|approval|opening|session-start)\"' entries.jsonl`.",
    decrypt: "## 6. Ce qui a été enregistré

Qui détient une clé pour laquelle les enregistrements ont été faits les lit, en deux temps : la clé ouvre
`recording.key.age`, et ce qui s'y trouve ouvre le reste. Mettez le chemin de votre clé age dans `KEY`. Ce qui est écrit
dans `../plain/`, à côté du dossier et non dedans, est en clair : effacez-le quand vous avez fini.",
    play: "Les sessions se rejouent dans un terminal. (Ce qui a été tapé sans écho, comme les mots de passe, n'est que dans les
fichiers `.unechoed.jsonl`. N'affichez pas les autres fichiers dans un terminal : ils contiennent ce que la cible a envoyé,
tel quel.) Ce que la passerelle a dit au technicien y figure, et dans les transcriptions, dans la langue du technicien.",
    journals: "Certains enregistrements sont conservés sous forme de journal chiffré, parce que la passerelle s'est arrêtée avant de
pouvoir en faire des fichiers. Les programmes courants ne les lisent pas ; `ecluse verify --key` les vérifie, et
`ecluse recordings read RÉPERTOIRE --key client.key --into RÉPERTOIRE` en fait de tels fichiers, en clair.",
    ecluse: "## 7. Tout à la fois

`ecluse verify DOSSIER.tar` fait tout cela sur n'importe quelle machine, et `--key client.key` lit en plus tout jusqu'au bout.
Donnez-lui les clés auxquelles vous vous fiez (`--signers FICHIER`, `--log-key FICHIER`) et le dernier point de contrôle que
vous avez gardé (`--since FICHIER`). Il dit, et finit par : intact (0), cut short by a crash – interrompu par une panne (3),
altered – altéré (4), missing – manquant (5), reordered – réordonné (6), not in the log – absent du journal (7), older than
the checkpoint – plus ancien que le point de contrôle donné (8) : exportez alors de nouveau pour comparer, ou donnez-lui par
`--since` la preuve qui relie les deux (`ecluse journal proof --from N`, N étant le nombre d'entrées de ce dossier). Ce qui a
été demandé est dans `choice.json` : de ce que personne n'a demandé, il le dit, sans rien dire manquant. Un enregistrement qui se
trouve sur une autre passerelle est nommé avec elle : exporté là-bas, il se vérifie dans le dossier qui en vient.",
};
