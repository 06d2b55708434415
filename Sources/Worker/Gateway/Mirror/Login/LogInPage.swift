import Core
import Crypto

/// The pages by which people log in and out: whole in themselves, without scripts, in the colours that the browser prefers.
enum LogInPage {
    static func logIn(problem: String? = nil) -> [UInt8] {
        let note = problem.map { #"<p class="problem" role="alert">\#(escaped($0))</p>"# } ?? ""
        return page(
            title: "Log in",
            """
            <h1>Log in</h1>
            <p>With an access token, a refresh token, or the key that you were given.</p>
            \(note)
            <form method="post" action="/api/auth/signin">
            <label for="signin">Token or key</label>
            <input id="signin" name="signin" type="password" required autofocus autocomplete="current-password" \
            spellcheck="false" autocapitalize="off">
            <button type="submit">Log in</button>
            </form>
            """
        )
    }

    static let logOut = page(
        title: "Log out",
        """
        <h1>Log out?</h1>
        <p>This browser will forget your token. Conversations stay where they are.</p>
        <form method="post" action="/api/auth/signout">
        <input type="hidden" name="signout" value="true">
        <button type="submit">Log out</button>
        <a class="cancel" href="/">Cancel</a>
        </form>
        """
    )

    /// Nothing is loaded, nothing runs, nobody frames it, and its forms lead nowhere else.
    static let policy =
        "default-src 'none'; style-src '\(styleDigest)'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

    private static let styleDigest = "sha256-" + Base64.standard.encode(SHA256Digest(of: style).bytes)

    private static let style = """
        :root{color-scheme:light dark;--ink:#1a1c1e;--faint:#5d6268;--paper:#f4f5f6;--card:#fff;--line:#d5d8dc;\
        --accent:#0b6b4f;--on:#fff;--bad:#a3231f}
        @media(prefers-color-scheme:dark){:root{--ink:#e8eaec;--faint:#9aa1a8;--paper:#131517;--card:#1c1f22;\
        --line:#363b40;--accent:#4cc29a;--on:#0c1512;--bad:#ff8b85}}
        *{box-sizing:border-box}
        body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--paper);\
        color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
        main{width:100%;max-width:24rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem;\
        padding:2rem}
        h1{margin:0 0 .5rem;font-size:1.4rem;line-height:1.25}
        p{margin:0 0 1.25rem;color:var(--faint)}
        .problem{color:var(--bad)}
        label{display:block;margin:0 0 .35rem;font-weight:600}
        input{width:100%;padding:.65rem .75rem;border:1px solid var(--line);border-radius:.5rem;background:var(--paper);\
        color:inherit;font:inherit}
        button{margin:1rem 1rem 0 0;padding:.65rem 1.25rem;border:0;border-radius:.5rem;background:var(--accent);\
        color:var(--on);font:inherit;font-weight:600;cursor:pointer}
        a{color:var(--accent)}
        :focus-visible{outline:2px solid var(--accent);outline-offset:2px}
        """

    private static func page(title: String, _ body: String) -> [UInt8] {
        Array(
            """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <title>\(title)</title>
            <style>\(style)</style>
            </head>
            <body>
            <main>
            \(body)
            </main>
            </body>
            </html>

            """.utf8
        )
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }
}
