//! The names that a template finds, as in the environment of HF transformers' `apply_chat_template`: filters, tests,
//! functions. What values cost is in `bounds.rs`; how Python writes them in `python.rs` and `json.rs`.

use super::bounds::{self, charge_bytes, refused};
use super::{compare, filters, json, macros, methods, python, wrap};
use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Object, ObjectRepr, Rest, Value, ValueKind, ValueOrKwargs, from_args};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Steps that a template may take, each of which pays for 64 bytes as well. A conversation of a hundred messages takes
/// about twenty thousand.
const FUEL: u64 = 2_000_000;

/// The environment in which templates are run.
pub(super) fn of_hf() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(methods::call);
    minijinja_contrib::add_to_environment(&mut environment);
    bounds::add_to(&mut environment);
    python::add_to(&mut environment);
    json::add_to(&mut environment);
    macros::add_to(&mut environment);
    filters::add_to(&mut environment);
    compare::add_to(&mut environment);
    // In Jinja2 `none`, which stands for absent tools, cannot be iterated.
    environment.add_test("iterable", |value: &Value| !value.is_none() && value.try_iter().is_ok());
    environment.add_test("callable", is_callable);
    environment.add_test("sequence", |value: &Value| value.as_str().is_some() || value.len().is_some());
    environment.add_filter("center", center);
    environment.add_filter("escape", escape);
    environment.add_filter("e", escape);
    environment.add_filter("forceescape", force_escape);
    environment.add_filter("indent", wrap::indent);
    environment.add_filter("trim", trim);
    environment.add_filter("truncate", wrap::truncate);
    environment.add_filter("wordwrap", wrap::wordwrap);
    environment.add_function("cycler", cycler);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", strftime_now);
    Ok(environment)
}

/// Functions are objects that are neither lists nor maps, macros have attributes.
fn is_callable(value: &Value) -> bool {
    value.kind() == ValueKind::Plain || value.as_object().is_some_and(|object| object.type_name().ends_with("::Macro"))
}

fn trim(state: &mut State<'_, '_>, text: Value, characters: Option<Value>) -> Result<Value, Error> {
    let text = Value::from(text.to_string());
    methods::call(state, &text, "strip", characters.as_slice())
}

/// Jinja2's `cycler`: values in turn.
#[derive(Debug)]
pub(super) struct Cycler {
    pub(super) items: Vec<Value>,
    at: AtomicUsize,
}

fn cycler(items: Rest<Value>) -> Result<Value, Error> {
    if items.is_empty() {
        return Err(refused("cycler: expected at least one value"));
    }
    Ok(Value::from_object(Cycler::new(items.0)))
}

impl Cycler {
    fn new(items: Vec<Value>) -> Cycler {
        Cycler { items, at: AtomicUsize::new(0) }
    }

    fn current(&self) -> Option<Value> {
        self.items.get(self.at.load(Relaxed)).cloned()
    }
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("<jinja2.utils.Cycler object>")
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if key.as_str() == Some("current") { self.current() } else { None }
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        from_args::<()>(args)?;
        let next = match method {
            "next" => (self.at.load(Relaxed) + 1) % self.items.len().max(1),
            "reset" => 0,
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        };
        let current = self.current().unwrap_or_default();
        self.at.store(next, Relaxed);
        Ok(if method == "next" { current } else { Value::from(()) })
    }
}

fn escape(text: Value) -> Value {
    if text.is_safe() { text } else { force_escape(text) }
}

fn force_escape(text: Value) -> Value {
    Value::from_safe_string(python::escaped(&text.to_string()))
}

/// Jinja2's `center`, of 80 characters unless it is told another number.
fn center(state: &mut State<'_, '_>, text: Value, given: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [width] = filters::arguments(given, ["width"])?;
    let text = Value::from(text.to_string());
    methods::call(state, &text, "center", &[width.unwrap_or_else(|| Value::from(80))])
}

/// The function by which templates refuse a conversation.
fn raise_exception(message: String) -> Result<Value, Error> {
    Err(refused(message))
}

/// The date as a template asks for it, in UTC so that no setting of the machine changes it.
fn strftime_now(state: &State<'_, '_>, format: String) -> Result<String, Error> {
    // A field may be padded to 255 characters.
    charge_bytes(state, format.len().saturating_mul(255))?;
    strftime(&format, Timestamp::now())
}

pub(super) fn strftime(format: &str, time: Timestamp) -> Result<String, Error> {
    let bad = |error: jiff::Error| refused(format!("strftime_now: {error}"));
    strtime::format(format, &time.to_zoned(TimeZone::UTC)).map_err(bad)
}
