//! The words that hours are made of.

use std::sync::LazyLock;

/// Words, kept apart by blanks in one text.
type Words = LazyLock<Vec<&'static str>>;

/// Twenty-seven thousand surnames are made of a beginning, a middle and an end.
pub(super) static BEGIN: Words = LazyLock::new(|| {
    split(
        "Mar Du Le Ber Gar Mo Ro La Si Fa Per Cle Gau Che Fran Ri Bo Vin Mas Hu Ker Tre Col Bou Des Gui Jac \
         Phi Nico Da",
    )
});

/// Most names have something in their middle.
pub(super) static MIDDLE: Words = LazyLock::new(|| {
    split(
        "ti ran fe nar ci reau be cha lo gne ri va dou ma ze ber li quen ne go vi sse ta mou pi jo hen lla \
         tre -",
    )
});

pub(super) static END: Words = LazyLock::new(|| {
    split(
        "n t vre d a u rt lin ier don et mand ssel ck gne ois bec ard eau in on ic ec our el aux as ot is ert",
    )
});

/// What a hospital keeps records of.
pub(super) static TABLES: Words = LazyLock::new(|| {
    split(
        "admissions beds wards patients orders results appointments invoices devices images staff \
         prescriptions transfusions allergies consents",
    )
});

/// What such a record has.
pub(super) static COLUMNS: Words = LazyLock::new(|| {
    split(
        "ward bed surname status updated_at author room doctor unit priority specimen device phone insurer \
         origin",
    )
});

/// What notes are made of, in the two languages that are spoken there.
pub(super) static WORDS: Words = LazyLock::new(|| {
    split(
        "the nightly backup of ward finished with warnings disk nearly full on node replica behind primary \
         restart planned after rounds printer labels pharmacy scanner calibrated certificate expires soon \
         gateway unreachable retry queue drained slow query index rebuilt vacuum table locked by import nurse \
         station monitor alarm silenced battery replaced firmware update postponed until monday network \
         switch port flapping cable changed urgences cardiologie radiologie pneumologie maternité pédiatrie \
         neurologie bloc opératoire réanimation laboratoire imagerie dossier patient ordonnance prescription \
         validée transfert sortie entrée chambre lit occupé libre nettoyage médecin infirmière brancardier \
         garde nuit relève sauvegarde terminée échec reprise serveur redémarré mise jour prévue demain matin \
         avant fréquemment généré automatiquement erreur lecture écriture fichier verrouillé session expirée \
         compte bloqué mot passe oublié question quatre équipe technique prévenue incident clos attente \
         fournisseur pièce commandée livraison semaine prochaine onduleur batterie climatisation température \
         salle machine ventilateur bruit anormal remplacement urgent",
    )
});

/// The words of a text; a lone `-` is none.
fn split(text: &'static str) -> Vec<&'static str> {
    text.split_whitespace()
        .map(|word| if word == "-" { "" } else { word })
        .collect()
}
