//! The type of a picture, from its first bytes.

/// The first bytes of a type.
const SIGNATURES: [(&[u8], &str); 5] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
];

/// The most bytes that the list of an AVIF's brands takes.
const BRANDS: usize = 64;

/// Returns the media type of a picture that browsers show.
pub(super) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    if let Some((_, kind)) = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return Some(kind);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Some("image/webp");
    }
    if is_avif(bytes) {
        return Some("image/avif");
    }
    str::from_utf8(bytes).is_ok_and(is_svg).then_some("image/svg+xml")
}

/// Whether the file starts with a list of brands that contains AVIF's.
fn is_avif(bytes: &[u8]) -> bool {
    let Some((size, rest)) = bytes.split_first_chunk::<4>() else { return false };
    let size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or_default();
    let Some(brands) = rest.strip_prefix(b"ftyp") else { return false };
    let listed = brands.get(..size.saturating_sub(8).min(BRANDS)).unwrap_or(brands);
    listed.chunks_exact(4).any(|brand| matches!(brand, b"avif" | b"avis"))
}

/// Whether the first element of an XML document is `<svg>`.
fn is_svg(text: &str) -> bool {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    loop {
        let end = if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<!DOCTYPE svg") {
            let start = rest.split('>').next().unwrap_or_default();
            if start.contains('[') { "]>" } else { ">" }
        } else {
            break;
        };
        let Some((_, after)) = rest.split_once(end) else { return false };
        rest = after.trim_start();
    }
    let name = rest.strip_prefix("<svg:svg").or_else(|| rest.strip_prefix("<svg"));
    name.is_some_and(|after| after.starts_with(|next: char| next.is_ascii_whitespace() || matches!(next, '>' | '/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_its_bytes() {
        for (bytes, kind) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"GIF89a....", "image/gif"),
            (b"\x00\x00\x01\x00\x01\x00", "image/x-icon"),
            (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
            (b"\x00\x00\x00\x14ftypavif\x00\x00\x00\x00", "image/avif"),
            (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00miafavif", "image/avif"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
            (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a > b -->\n<svg>", "image/svg+xml"),
            (b"<!DOCTYPE svg PUBLIC 'x' 'y'><svg/>", "image/svg+xml"),
            (b"<!DOCTYPE svg [ <!ENTITY a 'b'> ]><svg:svg a=''/>", "image/svg+xml"),
        ] {
            assert_eq!(media_type(bytes), Some(kind), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn nothing_else_is_a_picture() {
        for bytes in [
            &b""[..],
            b"\x89PNG",
            b"RIFF\x10\x00\x00\x00WAVE",
            b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00avc1mp41",
            b"\x00\x00\x00\x0cftypisomavif",
            b"%PDF-1.7",
            b"<!DOCTYPE html><svg/>",
            b"<html><svg/></html>",
            b"<script>alert(1)</script>",
            b"<svgx/>",
            b"<svg",
            b"<?xml <svg/>",
            b"<!-- <svg/>",
            b"words <svg/>",
            b"<svg>\xff</svg>",
        ] {
            assert_eq!(media_type(bytes), None, "{}", bytes.escape_ascii());
        }
    }
}
