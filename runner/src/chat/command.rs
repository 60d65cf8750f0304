//! What a person or a pipe says to `trine chat`: messages, and commands that begin with a slash. What the commands do
//! belongs to `chat.rs`.

use super::Refusal;
use std::fmt::Write;
use std::path::PathBuf;

/// What begins and ends a message of several lines.
pub const BLOCK: &str = "\"\"\"";

/// What was said.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// An empty line.
    Nothing,
    Message(String),
    Command(Command),
}

/// A command with what stands behind it.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Help,
    Set(Option<(String, String)>),
    System(Option<String>),
    Regen,
    Edit(Option<String>),
    Save(Option<PathBuf>),
    Load(PathBuf),
    Stats,
    Reset,
    Exit,
}

/// A command as `/help` describes it.
pub struct Described {
    pub name: &'static str,
    /// What stands behind it.
    pub argument: &'static str,
    pub what: &'static str,
    /// The command with the text behind it, or what is wrong with that.
    make: fn(Option<&str>) -> Result<Command, &'static str>,
}

/// All commands.
pub static COMMANDS: [Described; 10] = [
    Described {
        name: "/help",
        argument: "",
        what: "lists the commands and settings",
        make: |text| alone(text, Command::Help),
    },
    Described {
        name: "/set",
        argument: "NAME VALUE",
        what: "changes a setting; alone it shows all of them",
        make: |text| Ok(Command::Set(text.map(name_and_value).transpose()?)),
    },
    Described {
        name: "/system",
        argument: "TEXT",
        what: "gives the system message, from the beginning of the conversation; `-` takes it away; alone it shows it",
        make: |text| Ok(Command::System(text.map(str::to_owned))),
    },
    Described {
        name: "/regen",
        argument: "",
        what: "answers the last message again",
        make: |text| alone(text, Command::Regen),
    },
    Described {
        name: "/edit",
        argument: "TEXT",
        what: "replaces the last message and answers it; alone, on a terminal, it opens the message for editing",
        make: |text| Ok(Command::Edit(text.map(str::to_owned))),
    },
    Described {
        name: "/save",
        argument: "FILE",
        what: "writes the conversation to a file; alone to the one that it was last saved to or loaded from",
        make: |text| Ok(Command::Save(text.map(PathBuf::from))),
    },
    Described {
        name: "/load",
        argument: "FILE",
        what: "goes on with a conversation that was saved",
        make: |text| text.map(|path| Command::Load(path.into())).ok_or("expected the name of a file"),
    },
    Described {
        name: "/stats",
        argument: "",
        what: "shows the speed of the last answer, and how full the context is",
        make: |text| alone(text, Command::Stats),
    },
    Described {
        name: "/reset",
        argument: "",
        what: "begins a new conversation with the same system message",
        make: |text| alone(text, Command::Reset),
    },
    Described {
        name: "/exit",
        argument: "",
        what: "ends the conversation, as the end of the input does",
        make: |text| alone(text, Command::Exit),
    },
];

fn alone(text: Option<&str>, command: Command) -> Result<Command, &'static str> {
    if text.is_some() { Err("expected nothing behind it") } else { Ok(command) }
}

fn name_and_value(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once(char::is_whitespace).ok_or("expected a name and a value")?;
    Ok((name.to_owned(), value.trim().to_owned()))
}

/// Whether a text has begun a message of several lines and not ended it.
pub fn goes_on(text: &str) -> bool {
    text.starts_with(BLOCK) && in_block(text).is_none()
}

/// What is between the marks of a message of several lines.
fn in_block(text: &str) -> Option<&str> {
    let inside = text.strip_prefix(BLOCK)?.trim_end().strip_suffix(BLOCK)?;
    let inside = inside.strip_prefix('\n').unwrap_or(inside);
    Some(inside.strip_suffix('\n').unwrap_or(inside))
}

/// What a text says.
///
/// # Errors
/// [`Refusal`] where it is a command that does not exist, or that has something else behind it.
pub fn parse(text: &str) -> Result<Said, Refusal> {
    if let Some(inside) = in_block(text) {
        return Ok(message(inside));
    }
    let Some(command) = text.strip_prefix('/') else {
        return Ok(message(text));
    };
    // What is not a command begins with two slashes.
    if command.starts_with('/') {
        return Ok(message(command));
    }
    let (name, behind) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let Some(described) = COMMANDS.iter().find(|described| described.name == name) else {
        return Err(Refusal(format!(
            "{name}: expected a command of those that `/help` lists; a message that begins with a slash is written \
             with two"
        )));
    };
    let behind = Some(behind.trim()).filter(|behind| !behind.is_empty());
    match (described.make)(behind) {
        Ok(command) => Ok(Said::Command(command)),
        Err(problem) => Err(Refusal(format!("{name}: {problem}: `{}`", usage(described)))),
    }
}

fn message(text: &str) -> Said {
    if text.trim().is_empty() { Said::Nothing } else { Said::Message(text.to_owned()) }
}

/// A text as it is written to be that message, and no command.
pub fn written(message: &str) -> String {
    let prefix = if message.starts_with('/') { "/" } else { "" };
    [prefix, message].concat()
}

fn usage(described: &Described) -> String {
    format!("{} {}", described.name, described.argument).trim_end().to_owned()
}

/// The commands, a line for each, and how messages are written.
pub fn help() -> String {
    let wide = COMMANDS.iter().map(|described| usage(described).len()).max().unwrap_or(0);
    let mut help = String::new();
    for described in &COMMANDS {
        let _ = writeln!(help, "{:wide$}  {}", usage(described), described.what);
    }
    help + "A message of several lines is pasted, or written between lines of `\"\"\"`. One that begins with a slash \
            is written with two."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Command {
        match parse(text).unwrap() {
            Said::Command(command) => command,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn problem(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn messages_are_what_they_are() {
        let is = |text: &str, message: &str| assert_eq!(parse(text).unwrap(), Said::Message(message.to_owned()));
        is("Hello", "Hello");
        is("  two\nlines /exit ", "  two\nlines /exit ");
        is("//exit", "/exit");
        is("\"\"\"\none\n\ntwo\n\"\"\"", "one\n\ntwo");
        is("\"\"\"/exit\"\"\" ", "/exit");
        is("\"\" two", "\"\" two");
        for text in ["", "   ", "\"\"\"\n\"\"\"", "\n"] {
            assert_eq!(parse(text).unwrap(), Said::Nothing, "{text:?}");
        }
        for text in ["Hello", "/exit", "/", "//"] {
            assert_eq!(parse(&written(text)).unwrap(), Said::Message(text.to_owned()));
        }
    }

    #[test]
    fn a_block_ends_with_what_began_it() {
        for text in ["\"\"\"", "\"\"\"one", "\"\"\"\"\"", "\"\"\"\none\n\"\""] {
            assert!(goes_on(text), "{text}");
        }
        for text in ["\"\"\"\"\"\"", "\"\"\"one\"\"\"", "one \"\"\"", "\"\""] {
            assert!(!goes_on(text), "{text}");
        }
    }

    #[test]
    fn commands_have_what_stands_behind_them() {
        assert_eq!(said("/exit"), Command::Exit);
        assert_eq!(said("/set"), Command::Set(None));
        assert_eq!(said("/set temperature  0.5 "), Command::Set(Some(("temperature".into(), "0.5".into()))));
        assert_eq!(said("/system Be brief.\nBe kind."), Command::System(Some("Be brief.\nBe kind.".into())));
        assert_eq!(said("/save a file.json"), Command::Save(Some("a file.json".into())));
        assert_eq!(problem("/exit now"), "/exit: expected nothing behind it: `/exit`");
        assert_eq!(problem("/set temperature"), "/set: expected a name and a value: `/set NAME VALUE`");
        assert_eq!(problem("/load"), "/load: expected the name of a file: `/load FILE`");
    }

    #[test]
    fn what_is_no_command_is_no_message_either() {
        for text in ["/exits", "/etc/passwd: what is it?", "/", "/Help", "/ help"] {
            assert!(problem(text).contains("written with two"), "{text}");
        }
    }

    /// The page of the command line has the table of `/help`.
    #[test]
    fn the_documentation_lists_the_commands() {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
        let page = std::fs::read_to_string(page).unwrap();
        for described in &COMMANDS {
            let row = format!("| `{}` | {} |\n", usage(described), described.what);
            assert!(page.contains(&row), "docs/cli.md lacks the row\n{row}");
        }
    }
}
