//! Values as Go reads them, and what it says when it cannot.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// `strconv.ParseBool`.
pub fn truth(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
    }
}

/// `strconv.ParseFloat`.
pub fn number(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| !number.is_nan());
    number.ok_or_else(|| format!("strconv.ParseFloat: parsing {text:?}: invalid syntax"))
}

/// A number of units, or a share of them: `1`, `25%`.
pub fn share(text: &str) -> Result<IntOrString, String> {
    if let Ok(number) = text.parse::<i32>()
        && number >= 0
    {
        return Ok(IntOrString::Int(number));
    }
    let percent = text.strip_suffix('%').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    if percent { Ok(IntOrString::String(text.into())) } else { Err(format!("{text:?} is neither a number nor a percentage")) }
}
