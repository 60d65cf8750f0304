//! What `/set` changes: how answers are made and shown. What options mean is in `args/generate.rs`, how tokens are
//! chosen in the library.

use super::Refusal;
use crate::args::values::{most_tokens, whole};
use crate::args::{ChatArguments, GenerationArguments, OnFull, Thoughts};
use crate::display::Manner;
use crate::generation::Generation;
use std::fmt::Write;

/// What holds until it is changed.
#[derive(Clone, Debug)]
pub struct Settings {
    pub generation: GenerationArguments,
    /// Most tokens of an answer.
    pub tokens: usize,
    pub on_full: OnFull,
    pub manner: Manner,
    /// Whether the speed follows each answer.
    pub stats: bool,
}

impl Settings {
    /// What the command line says.
    pub fn new(arguments: &ChatArguments) -> Settings {
        Settings {
            generation: arguments.generation.clone(),
            tokens: arguments.tokens,
            on_full: arguments.on_full,
            manner: Manner { thoughts: arguments.thoughts, wrap: !arguments.no_wrap },
            stats: arguments.stats,
        }
    }

    /// The same with another value of a setting.
    ///
    /// # Errors
    /// [`Refusal`] where there is no such setting, or it has no such value.
    pub fn with(&self, name: &str, value: &str) -> Result<Settings, Refusal> {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
            let names: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
            return Err(Refusal(format!("/set {name}: expected one of {}", names.join(", "))));
        };
        let mut changed = self.clone();
        (setting.set)(&mut changed, value).map_err(|problem| Refusal(format!("/set {name} {value}: {problem}")))?;
        Ok(changed)
    }

    /// A line for each setting: its name, its value, what it means.
    pub fn listed(&self, generation: &Generation) -> String {
        let wide = SETTINGS.iter().map(|setting| setting.name.len()).max().unwrap_or(0);
        let mut list = String::new();
        for Setting { name, value, what, get, .. } in &SETTINGS {
            let now = get(self, generation);
            let _ = writeln!(list, "{name:wide$}  {now:9}  {value}: {what}");
        }
        list.trim_end().to_owned()
    }
}

/// A setting as `/set` describes it.
pub struct Setting {
    /// That of the option of the command line, where there is one.
    pub name: &'static str,
    pub value: &'static str,
    pub what: &'static str,
    set: fn(&mut Settings, &str) -> Result<(), String>,
    get: fn(&Settings, &Generation) -> String,
}

/// All settings.
pub static SETTINGS: [Setting; 12] = [
    Setting {
        name: "temperature",
        value: "NUMBER",
        what: "0 takes the likeliest token, 1 draws as the model predicts",
        set: |settings, text| {
            settings.generation.temperature = Some(number(text)?);
            settings.generation.greedy = false;
            Ok(())
        },
        get: |_, generation| generation.sampling.temperature.to_string(),
    },
    Setting {
        name: "top-k",
        value: "COUNT",
        what: "draws among this many likeliest tokens; 0 is no limit",
        set: |settings, text| put(&mut settings.generation.top_k, Some(whole(text)?)),
        get: |_, generation| generation.sampling.top_k.to_string(),
    },
    Setting {
        name: "top-p",
        value: "NUMBER",
        what: "draws among the likeliest tokens of this total probability",
        set: |settings, text| put(&mut settings.generation.top_p, Some(number(text)?)),
        get: |_, generation| generation.sampling.top_p.to_string(),
    },
    Setting {
        name: "min-p",
        value: "NUMBER",
        what: "draws among tokens at least this fraction as likely as the likeliest",
        set: |settings, text| put(&mut settings.generation.min_p, Some(number(text)?)),
        get: |_, generation| generation.sampling.min_p.to_string(),
    },
    Setting {
        name: "repetition-penalty",
        value: "NUMBER",
        what: "above 1: tokens that occurred lately become less likely",
        set: |settings, text| put(&mut settings.generation.repetition_penalty, number(text)?),
        get: |_, generation| generation.sampling.repetition_penalty.to_string(),
    },
    Setting {
        name: "seed",
        value: "NUMBER",
        what: "draws the same tokens again",
        set: |settings, text| put(&mut settings.generation.seed, Some(whole(text)?)),
        get: |_, generation| generation.seed.map_or("none".to_owned(), |seed| seed.to_string()),
    },
    Setting {
        name: "tokens",
        value: "COUNT",
        what: "most tokens of an answer; -1 is as many as the context has room for",
        set: |settings, text| put(&mut settings.tokens, most_tokens(text)?),
        get: |settings, _| if settings.tokens == usize::MAX { "-1".to_owned() } else { settings.tokens.to_string() },
    },
    Setting {
        name: "thinking",
        value: "on|off",
        what: "whether answers begin with a thought, where the chat template knows `enable_thinking`",
        set: |settings, text| put(&mut settings.generation.thinking, Some(of(SWITCH, text)?)),
        get: |settings, _| settings.generation.thinking.map_or("usual".to_owned(), |on| name(SWITCH, on)),
    },
    Setting {
        name: "thoughts",
        value: "show|hide",
        what: "whether thoughts are shown",
        set: |settings, text| put(&mut settings.manner.thoughts, of(Thoughts::NAMED, text)?),
        get: |settings, _| name(Thoughts::NAMED, settings.manner.thoughts),
    },
    Setting {
        name: "on-full",
        value: "drop|stop",
        what: "what happens where the context is full: the oldest turns are dropped, or no message is taken",
        set: |settings, text| put(&mut settings.on_full, of(OnFull::NAMED, text)?),
        get: |settings, _| name(OnFull::NAMED, settings.on_full),
    },
    Setting {
        name: "wrap",
        value: "on|off",
        what: "whether lines break between words on a terminal",
        set: |settings, text| put(&mut settings.manner.wrap, of(SWITCH, text)?),
        get: |settings, _| name(SWITCH, settings.manner.wrap),
    },
    Setting {
        name: "stats",
        value: "on|off",
        what: "whether the speed follows each answer",
        set: |settings, text| put(&mut settings.stats, of(SWITCH, text)?),
        get: |settings, _| name(SWITCH, settings.stats),
    },
];

fn put<T>(place: &mut T, value: T) -> Result<(), String> {
    *place = value;
    Ok(())
}

fn number(text: &str) -> Result<f32, String> {
    text.parse().map_err(|_| "expected a number".to_owned())
}

const SWITCH: [(&str, bool); 2] = [("on", true), ("off", false)];

/// What a name stands for in a table.
fn of<T: Copy>(table: [(&str, T); 2], text: &str) -> Result<T, String> {
    let [(first, _), (second, _)] = table;
    let found = table.into_iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| value).ok_or_else(|| format!("expected `{first}` or `{second}`"))
}

/// The name of a value in a table.
fn name<T: PartialEq>(table: [(&str, T); 2], value: T) -> String {
    table.into_iter().find(|(_, known)| *known == value).map_or(String::new(), |(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Command};
    use std::path::Path;

    fn settings(line: &str) -> Settings {
        match Arguments::of(line.split(' ').map(Into::into)).unwrap().command {
            Command::Chat(arguments) => Settings::new(&arguments),
            other => panic!("{other:?}"),
        }
    }

    fn shown(settings: &Settings, name: &str) -> String {
        let generation = Generation::new(&settings.generation, settings.tokens, None).unwrap();
        let setting = SETTINGS.iter().find(|setting| setting.name == name).unwrap();
        (setting.get)(settings, &generation)
    }

    /// Each setting has a value that another one does not have, and shows it once it is set.
    #[test]
    fn what_is_set_is_shown() {
        let values = [
            ("temperature", "0.25"),
            ("top-k", "17"),
            ("top-p", "0.5"),
            ("min-p", "0.125"),
            ("repetition-penalty", "1.5"),
            ("seed", "99"),
            ("tokens", "33"),
            ("thinking", "off"),
            ("thoughts", "hide"),
            ("on-full", "stop"),
            ("wrap", "off"),
            ("stats", "on"),
        ];
        assert!(values.iter().map(|(name, _)| *name).eq(SETTINGS.iter().map(|setting| setting.name)));
        let usual = settings("trine chat m.gguf");
        for (name, value) in values {
            let changed = usual.with(name, value).unwrap();
            assert_eq!(shown(&changed, name), value);
            assert_ne!(shown(&usual, name), value, "{name}");
            for (other, _) in values.iter().filter(|(other, _)| !["seed", name].contains(other)) {
                assert_eq!(shown(&changed, other), shown(&usual, other), "{name} changes {other}");
            }
        }
        assert_eq!(shown(&usual.with("tokens", "-1").unwrap(), "tokens"), "-1");
        let drawn = settings("trine chat m.gguf --greedy").with("temperature", "0.5").unwrap();
        assert_eq!(shown(&drawn, "temperature"), "0.5", "a temperature ends a greedy choice");
    }

    #[test]
    fn the_command_line_sets_the_same() {
        let given = settings("trine chat m.gguf --on-full stop --thoughts hide --no-wrap --stats -n 5 --top-k 3");
        for (name, value) in [
            ("on-full", "stop"),
            ("thoughts", "hide"),
            ("wrap", "off"),
            ("stats", "on"),
            ("tokens", "5"),
            ("top-k", "3"),
        ] {
            assert_eq!(shown(&given, name), value);
        }
    }

    #[test]
    fn wrong_names_and_values_are_told() {
        let usual = settings("trine chat m.gguf");
        let problem = |name, value| usual.with(name, value).unwrap_err().to_string();
        assert!(problem("temp", "1").starts_with("/set temp: expected one of temperature, top-k,"));
        assert_eq!(problem("temperature", "warm"), "/set temperature warm: expected a number");
        assert_eq!(problem("on-full", "go"), "/set on-full go: expected `drop` or `stop`");
        assert_eq!(problem("top-k", "-1"), "/set top-k -1: expected a whole number of at least 0");
    }

    /// The page of the command line has the table of `/set`.
    #[test]
    fn the_documentation_lists_the_settings() {
        let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md")).unwrap();
        for Setting { name, value, what, .. } in &SETTINGS {
            let row = format!("| `{name}` | `{}` | {what} |\n", value.replace('|', "\\|"));
            assert!(page.contains(&row), "docs/cli.md lacks the row\n{row}");
        }
    }
}
