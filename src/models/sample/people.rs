//! The shop's customers: the same ones all month, with the names that people have.
use super::draw::Draw;

/// A customer. Addresses and numbers lead nowhere: reserved domains (RFC 2606), numbers kept for fiction.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// Counts from 0; everything that a person keeps (card, codes) follows from it.
    pub(super) number: u64,
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) phone: String,
    /// `cust_…`
    pub(super) customer: String,
    /// `player_…`
    pub(super) player: String,
    /// In the shop's own system: `LV-C-…`.
    pub(super) source: String,
    pub(super) birth: String,
    pub(super) home: &'static Home,
}

/// A postal address; the streets are invented.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) line: &'static str,
    pub(super) city: &'static str,
    pub(super) state: &'static str,
    pub(super) postal_code: &'static str,
    pub(super) country: &'static str,
}

const fn home(
    line: &'static str,
    city: &'static str,
    state: &'static str,
    postal_code: &'static str,
    country: &'static str,
) -> Home {
    Home { line, city, state, postal_code, country }
}

static HOMES: [Home; 8] = [
    home("14 Larch Parade", "Bristol", "England", "BS1 0ZZ", "United Kingdom"),
    home("3 Tanner's Yard", "Leeds", "England", "LS2 0ZZ", "United Kingdom"),
    home("27 Upper Quay", "Cardiff", "Wales", "CF10 0ZZ", "United Kingdom"),
    home("Flat 2, 81 Mill Rise", "Edinburgh", "Scotland", "EH1 0ZZ", "United Kingdom"),
    home("5 Harbour Lane", "Galway", "County Galway", "H91 0ZZ", "Ireland"),
    home("12 rue des Tilleuls", "Lyon", "Auvergne-Rhône-Alpes", "69000", "France"),
    home("Lindenstraße 44", "München", "Bayern", "80000", "Germany"),
    home("9 Fern Hill Road", "Norwich", "England", "NR1 0ZZ", "United Kingdom"),
];

/// First name, last name, what stands before the @.
const NAMES: &[(&str, &str, &str)] = &[
    ("Amina", "Haddad", "amina.haddad"),
    ("Priya", "Raman", "priya.raman"),
    ("Luca", "Moretti", "luca.moretti"),
    ("Bo", "Li", "bo.li"),
    ("Siobhán", "O'Connor", "siobhan.oconnor"),
    ("Zoë", "D'Angelo", "zoe"),
    ("Marek", "Dvořák", "marek.dvorak"),
    ("美咲", "佐藤", "misaki.sato"),
    ("Олена", "Шевченко", "olena.shevchenko"),
    ("Jean-Baptiste", "Lefèvre", "jb.lefevre"),
    ("Grace", "Adeyemi", "grace.adeyemi"),
    ("Noah", "Lindgren", "noah.lindgren"),
    ("María del Carmen", "Fernández-Villaverde y Ruiz de la Torre", "carmen.fernandez"),
    ("Thị Minh Khai", "Nguyễn", "minhkhai.nguyen"),
    ("Søren", "Ångström", "soren"),
    ("Ελένη", "Παπαδοπούλου", "eleni.p"),
    ("محمد", "العلي", "m.alali"),
    ("Anne", "Ó", "anne.o"),
    ("Tom", "Baker-Whyte", "tom.baker"),
    ("Ines", "Carvalho", "ines.carvalho"),
    ("Hannah", "Osei", "hannah.osei"),
    ("Ewan", "McKay", "ewan.mckay"),
    ("Łukasz", "Błaszczyk", "lukasz.b"),
    ("अनन्या", "शर्मा", "ananya.sharma"),
    ("Yusuf", "Demir", "yusuf.demir"),
    ("Kateřina", "Novotná", "katerina.novotna"),
    ("Oluwaseun", "Adebayo-Okonkwo", "seun.adebayo"),
    ("Freya", "Lund", "freya.lund"),
    ("지우", "김", "jiwoo.kim"),
    ("Dafydd", "ap Rhys", "dafydd"),
    ("Beatriz", "Gonçalves", "bia.goncalves"),
    ("Ruth", "Abrams", "ruth.abrams"),
    ("Nikolaj", "Præst", "nikolaj"),
    ("Aoife", "Ní Dhomhnaill", "aoife.nid"),
    ("Sam", "Te", "sam.te"),
    ("Chloé", "Dubois", "chloe.dubois"),
    ("Hubert Wolfgang", "Schwarzenberger-Hohenstaufen", "hubert.wolfgang.schwarzenberger.hohenstaufen"),
    ("Leilani", "Kahananui", "leilani"),
    ("Юлия", "Ковалёва", "yulia.kovaleva"),
    ("Tariq", "Mahmood", "tariq.mahmood"),
    ("Gitte", "Ødegård", "gitte"),
    ("Owen", "Pritchard", "owen.pritchard"),
    ("思远", "陈", "siyuan.chen"),
    ("Esther", "Mbeki", "esther.mbeki"),
    ("Felix", "Groß", "felix.gross"),
    ("Ana", "Žužić", "ana.zuzic"),
    ("Rosie", "Turnbull", "rosie.turnbull"),
    ("Kwame", "Boateng", "kwame.boateng"),
    ("Maja", "Wójcik", "maja.wojcik"),
    ("Pieter", "van 't Hoff", "pieter.vanthoff"),
    ("Nour", "El-Sayed", "nour.elsayed"),
    ("Imogen", "Fairweather", "imogen.fairweather"),
    ("İpek", "Yıldız", "ipek.yildiz"),
    ("Callum", "Ross", "callum.ross"),
    ("Giulia", "Dell'Acqua", "giulia.dellacqua"),
    ("Ada", "Quist", "ada.quist"),
    ("תמר", "לוי", "tamar.levi"),
    ("Jo", "March", "jo.march"),
    ("Ravi", "Balasubramaniam", "ravi.b"),
    ("Elin", "Sjöberg", "elin.sjoberg"),
];

/// Everybody, always in the same order.
pub(super) fn everybody() -> Vec<Person> {
    NAMES.iter().enumerate().map(|(number, name)| person(number as u64, *name)).collect()
}

fn person(number: u64, (first, last, local): (&'static str, &'static str, &str)) -> Person {
    let mut draw = Draw::of(number, "person");
    let domain = draw.pick(&["example.com", "example.org", "example.net"]);
    // Family names come first where they do.
    let is_family_first = ["佐藤", "김", "陈", "Nguyễn"].contains(&last);
    let name = match is_family_first {
        true if last == "Nguyễn" => format!("{last} {first}"),
        true => format!("{last}{first}"),
        false => format!("{first} {last}"),
    };
    Person {
        number,
        first,
        last,
        name,
        email: format!("{local}@{domain}"),
        phone: phone(&mut draw),
        customer: format!("cust_{}", draw.letters(24)),
        player: format!("player_{}", draw.letters(20)),
        source: format!("LV-C-{:05}", 7_000 + number * 83 + draw.below(80)),
        birth: format!("{}-{:02}-{:02}", draw.between(1951, 2004), draw.between(1, 12), draw.between(1, 28)),
        home: draw.pick(&HOMES),
    }
}

/// Numbers that regulators keep for films and books: Ofcom, the North American plan, Arcep, ACMA.
fn phone(draw: &mut Draw) -> String {
    match draw.below(8) {
        0 => format!("+1 202 555 01{:02}", draw.below(100)),
        1 => format!("+33 6 39 98 {:02} {:02}", draw.below(100), draw.below(100)),
        2 => format!("+61 491 570 {:03}", draw.between(156, 159)),
        3 => format!("+44 117 496 0{:03}", draw.below(1_000)),
        _ => format!("+44 7700 900{:03}", draw.below(1_000)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nobody_shares_an_address_and_no_address_leads_anywhere() {
        let people = everybody();
        let emails: HashSet<_> = people.iter().map(|person| &person.email).collect();
        let ids: HashSet<_> = people.iter().flat_map(|p| [&p.customer, &p.player, &p.source]).collect();
        assert_eq!((emails.len(), ids.len()), (people.len(), people.len() * 3));
        for person in &people {
            let domain = person.email.rsplit('@').next().unwrap_or_default();
            assert!(["example.com", "example.org", "example.net"].contains(&domain), "{person:?}");
            assert!(!person.name.contains(['"', '\\']), "{person:?}");
        }
    }

    #[test]
    fn names_are_as_varied_as_names_are() {
        let people = everybody();
        assert!(people.iter().any(|person| person.name.chars().count() < 6));
        assert!(people.iter().any(|person| person.name.chars().count() > 50));
        assert!(people.iter().any(|person| person.name.contains('\'')));
        assert!(people.iter().filter(|person| !person.name.is_ascii()).count() > 20);
    }
}
