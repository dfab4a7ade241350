//! Pages as a person reads them: by what is where, and forms by what they would send.
use scraper::{ElementRef, Html, Selector};

/// A page or a fragment.
pub struct Page {
    html: Html,
    source: String,
}

impl Page {
    /// Parsed as a browser would.
    pub fn of(source: &str) -> Self {
        Self { html: Html::parse_document(source), source: source.to_owned() }
    }

    /// As it came.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether anything matches.
    pub fn has(&self, selector: &str) -> bool {
        self.html.select(&parsed(selector)).next().is_some()
    }

    /// How many match.
    pub fn count(&self, selector: &str) -> usize {
        self.html.select(&parsed(selector)).count()
    }

    /// The text of the first match, white space collapsed. Panics with the page when nothing matches.
    pub fn text(&self, selector: &str) -> String {
        text_of(self.first(selector))
    }

    /// The text of every match, white space collapsed.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.html.select(&parsed(selector)).map(text_of).collect()
    }

    /// An attribute of the first match that has it.
    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        self.html.select(&parsed(selector)).find_map(|element| element.attr(name).map(str::to_owned))
    }

    /// A form with what it would send as it stands.
    pub fn form(&self, selector: &str) -> Form {
        Form::of(self.first(selector))
    }

    fn first(&self, selector: &str) -> ElementRef<'_> {
        self.html
            .select(&parsed(selector))
            .next()
            .unwrap_or_else(|| panic!("nothing matches `{selector}` in:\n{}", self.source))
    }
}

/// A form as a person fills it in.
#[derive(Clone, Debug)]
pub struct Form {
    /// `get` or `post`.
    pub method: String,
    /// Where it goes; empty for the page itself.
    pub action: String,
    /// Name and value, in the order of the page.
    pub fields: Vec<(String, String)>,
}

impl Form {
    fn of(form: ElementRef<'_>) -> Self {
        let mut fields = Vec::new();
        for element in form.select(&parsed("input, select, textarea")) {
            let (Some(name), None) = (element.attr("name"), element.attr("disabled")) else { continue };
            let value = match element.value().name() {
                "textarea" => {
                    let text: String = element.text().collect();
                    Some(text.strip_prefix('\n').unwrap_or(&text).to_owned())
                }
                "select" => chosen(element),
                _ => typed(element),
            };
            fields.extend(value.map(|value| (name.to_owned(), value)));
        }
        Self {
            method: form.attr("method").unwrap_or("get").to_ascii_lowercase(),
            action: form.attr("action").unwrap_or("").to_owned(),
            fields,
        }
    }

    /// Types over a field, ticks a box or adds what a script would.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(n, _)| n == name) {
            Some(field) => field.1 = value.to_owned(),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Ticks one more box of those that share a name.
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Unticks a box, or all boxes of this name.
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(n, _)| n != name);
        self
    }

    /// The value that stands in a field.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

fn typed(input: ElementRef<'_>) -> Option<String> {
    match input.attr("type").unwrap_or("text") {
        "submit" | "button" | "image" | "reset" | "file" => None,
        "checkbox" | "radio" => input.attr("checked").map(|_| input.attr("value").unwrap_or("on").to_owned()),
        _ => Some(input.attr("value").unwrap_or("").to_owned()),
    }
}

fn chosen(select: ElementRef<'_>) -> Option<String> {
    let options: Vec<_> = select.select(&parsed("option")).collect();
    let option = options.iter().find(|o| o.attr("selected").is_some()).or(options.first())?;
    Some(option.attr("value").map_or_else(|| text_of(*option), str::to_owned))
}

fn parsed(selector: &str) -> Selector {
    Selector::parse(selector).unwrap_or_else(|error| panic!("`{selector}` is no selector: {error}"))
}

fn text_of(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}
