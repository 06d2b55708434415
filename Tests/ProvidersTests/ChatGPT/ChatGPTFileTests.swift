import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Testing

@testable import Providers

@Suite("ChatGPT's files")
struct ChatGPTFileTests {
    /// The smallest picture there is.
    private static let picture =
        Base64.standard.decode(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
        ) ?? []

    private static func desk(looks: Int = 0, done: String = #"{"download_url":"http://blob/x"}"#) -> ScriptedDesk {
        ChatGPT.desk { request in
            if request.url == "http://site/backend-api/files" {
                return ChatGPT.json(#"{"status":"success","file_id":"file-1","upload_url":"http://blob/put?sig=1"}"#)
            }
            if request.url.hasPrefix("http://blob/") { return DeskAnswer(status: 201) }
            if request.url.hasSuffix("/files/file-1/uploaded") { return ChatGPT.json(done) }
            if request.url.hasSuffix("/files/file-1") { return ChatGPT.json(#"{"retrieval_index_status":"success"}"#) }
            return nil
        }
    }

    private static func open(_ file: WebFile, at desk: ScriptedDesk) async throws -> JSONValue {
        let provider = try ChatGPT.provider(["CHATGPT_PROTOCOL": "legacy", "CONVERSATION_ONLY": "true"])
        let turn = try ChatGPT.turn(messages: [WebMessage(role: .user, text: "Describe this", files: [file])])
        return try JSONDocument(parsing: try await provider.open(turn, at: desk).request.body).root
    }

    @Test("A picture is announced, put and declared complete, and stands in the message")
    func image() async throws {
        let desk = Self.desk()
        let file = WebFile(name: "x.png", mediaType: "image/png", content: Self.picture, path: "messages[0]")
        let body = try await Self.open(file, at: desk)
        #expect(
            desk.diary == [
                "POST http://site/backend-api/files", "PUT http://blob/put?sig=1",
                "POST http://site/backend-api/files/file-1/uploaded",
            ]
        )
        let put = desk.requests[1]
        #expect(put.body == Self.picture)
        #expect(ChatGPT.header("x-ms-blob-type", of: put) == "BlockBlob")
        for secret in ["Authorization", "OAI-Device-Id", "OAI-Language", "Cookie"] {
            #expect(ChatGPT.header(secret, of: put) == nil)
        }
        let announced = try JSONDocument(parsing: desk.requests[0].body).root
        #expect(announced["use_case"]?.string == "multimodal")
        #expect(announced["file_size"]?.int == Self.picture.count)
        let message = body["messages"]?[0]
        #expect(message?["content"]?["content_type"]?.string == "multimodal_text")
        let pointer = message?["content"]?["parts"]?[0]
        #expect(pointer?["asset_pointer"]?.string == "file-service://file-1")
        #expect(pointer?["width"]?.int == 1)
        #expect(message?["content"]?["parts"]?[1]?.string == "Describe this")
        #expect(message?["metadata"]?["attachments"]?[0]?["mime_type"]?.string == "image/png")
    }

    @Test("A document is waited for, and goes along as an attachment only")
    func document() async throws {
        let desk = Self.desk()
        let file = WebFile(name: "a.pdf", mediaType: "application/pdf", content: [37, 80], path: "messages[0]")
        let body = try await Self.open(file, at: desk)
        #expect(desk.diary.last == "GET http://site/backend-api/files/file-1")
        let message = body["messages"]?[0]
        #expect(message?["content"]?["content_type"]?.string == "text")
        #expect(message?["metadata"]?["attachments"]?[0]?["name"]?.string == "a.pdf")
    }

    @Test(
        "A file that the site does not take is the client's to know",
        arguments: [
            #"{"status":"error"}"#, #"{"download_url":null}"#,
        ]
    )
    func refused(done: String) async throws {
        let desk = Self.desk(done: done)
        let file = WebFile(name: "a.bin", mediaType: "application/zip", content: [1], path: "messages[3].content[1]")
        let error = await #expect(throws: GatewayError.self) { try await Self.open(file, at: desk) }
        #expect(error?.code == .invalidFile)
        #expect(error?.parameter == "messages[3].content[1]")
    }

    @Test(
        "Files are what their kind says, and pictures that are none are text",
        arguments: [
            ("image/png", "x", FileType.Use.document, "txt"), ("text/csv", "x", .data, "csv"),
            ("application/json", "x", .document, "json"), ("application/x-thing", "a.dat", .data, "dat"),
            ("application/x-thing", "a.../evil", .data, "bin"),
        ]
    )
    func kinds(mediaType: String, name: String, use: FileType.Use, suffix: String) {
        let type = FileType(WebFile(name: name, mediaType: mediaType, content: [1, 2, 3], path: ""))
        #expect(type.use == use)
        #expect(type.fileExtension == suffix)
        #expect(type.size == nil)
    }

    @Test("The sizes of pictures")
    func sizes() {
        #expect(ImageSize(Self.picture) == ImageSize(Self.picture))
        #expect(ImageSize(Self.picture)?.width == 1)
        let gif = Array("GIF89a".utf8) + [0x40, 0x01, 0xF0, 0x00]
        #expect(ImageSize(gif)?.width == 320)
        #expect(ImageSize(gif)?.height == 240)
        let jpeg: [UInt8] = [
            0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xC0, 0, 11, 8, 0, 240, 1, 64, 3, 0, 0, 0,
        ]
        #expect(ImageSize(jpeg)?.width == 320)
        #expect(ImageSize(jpeg)?.height == 240)
        var webp = Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WEBPVP8X".utf8) + [10, 0, 0, 0, 0, 0, 0, 0]
        webp += [0x3F, 0x01, 0, 0xEF, 0, 0]
        #expect(ImageSize(webp)?.width == 320)
        #expect(ImageSize(webp)?.height == 240)
        for content in [Self.picture, gif, jpeg, webp] {
            for count in 0..<min(content.count, 24) { _ = ImageSize(Array(content.prefix(count))) }
            #expect(ImageSize(Array(content.prefix(8))) == nil)
        }
    }

    @Test(
        "A file is had in two steps, and its own store alone learns who asks",
        arguments: [
            ("http://site/backend-api/estuary/content?id=1", true), ("https://blob.example/x", false),
            ("http://site.evil/backend-api/estuary/content", false),
        ]
    )
    func download(address: String, isOwn: Bool) async throws {
        let provider = try ChatGPT.provider()
        let desk = ChatGPT.desk { _ in ChatGPT.json(#"{"status":"success","download_url":"\#(address)"}"#) }
        let request = try await provider.fileRequest("http://site/backend-api/files/file-1/download", at: desk)
        #expect(request.url == address)
        #expect((ChatGPT.header("Authorization", of: request) != nil) == isOwn)
        #expect(desk.requests.map(\.url) == ["http://site/backend-api/files/file-1/download"])
    }

    @Test(
        "The token is shown nowhere else",
        arguments: ["http://evil/backend-api/x", "http://site/other", "http://site.evil/backend-api/x"]
    )
    func foreign(url: String) async throws {
        let provider = try ChatGPT.provider()
        let desk = ChatGPT.desk()
        let error = await #expect(throws: GatewayError.self) { try await provider.fileRequest(url, at: desk) }
        #expect(error?.code == .notFound)
        #expect(desk.requests.isEmpty)
    }

    @Test("Models are listed by their slugs")
    func models() throws {
        let provider = try ChatGPT.provider()
        let body =
            #"{"models":[{"slug":"gpt-5","max_tokens":128000,"title":"x"},{"slug":""},{}],"default_model_slug":"auto"}"#
        let models = provider.models(Array(body.utf8))
        #expect(models?.map(\.id) == ["gpt-5"])
        #expect(models?.first?.contextLength == 128_000)
        #expect(provider.models(Array("{}".utf8)) == nil)
        #expect(provider.modelsRequest(key: "rt_" + String(repeating: "a", count: 60)) == nil)
        #expect(provider.modelsRequest(key: ChatGPT.token())?.url.hasPrefix("http://site/backend-api/models") == true)
    }

    @Test("An examination tells plan and owner, and whose token is dead")
    func examination() async throws {
        let provider = try ChatGPT.provider()
        let accounts =
            #"{"accounts":{"acc-1":{"account":{"account_id":"acc-1","plan_type":"plus","is_deactivated":false}},"team-1":{"account":{"plan_type":"team"}}},"account_ordering":["acc-1","team-1"]}"#
        let token = ChatGPT.token(more: #","https://api.openai.com/profile":{"email":"anna@example.org"}"#)
        let findings = try await provider.examine(at: ChatGPT.desk(key: token) { _ in ChatGPT.json(accounts) })
        #expect(findings.works)
        #expect(findings.plan == "plus")
        #expect(findings.note == "a…@example.org")
        let team = try await provider.examine(at: ChatGPT.desk(key: token + ",team-1") { _ in ChatGPT.json(accounts) })
        #expect(team.plan == "team")
        let dead = try await provider.examine(at: ChatGPT.desk { _ in ChatGPT.json("{}", status: 401) })
        #expect(!dead.works)
        // A page in the way says nothing about the account.
        await #expect(throws: GatewayError.self) {
            try await provider.examine(at: ChatGPT.desk { _ in ChatGPT.json("<html>cf_chl_opt</html>", status: 403) })
        }
    }
}

@Suite("Texts that begin with addresses")
struct LeadingAddressTests {
    @Test(
        "Addresses come first, with single spaces between them",
        arguments: [
            (
                "https://a.org/x.pdf https://a.org/y.png Compare them", ["https://a.org/x.pdf", "https://a.org/y.png"],
                "Compare them"
            ),
            ("Compare https://a.org/x", [], "Compare https://a.org/x"), ("https://a.org", ["https://a.org"], ""),
            ("https://a.org/x  two spaces", ["https://a.org/x"], " two spaces"), ("", [], ""),
        ]
    )
    func addresses(text: String, urls: [String], rest: String) {
        let leading = LeadingAddresses(text)
        #expect(leading.addresses == urls)
        #expect(leading.rest == rest)
    }

    @Test("They are asked for, and become files, where that is wanted")
    func prompt() throws {
        let body =
            #"{"model":"m","messages":[{"role":"user","content":"https://a.org/x.pdf Read it"},{"role":"assistant","content":"https://b.org no"},{"role":"user","content":"https://a.org/y"}]}"#
        let request = try ModelRequest(.chat, body: Array(body.utf8))
        var traits = WebTraits()
        #expect(WebPrompt.addresses(of: request, from: 0, traits).isEmpty)
        #expect(try WebPrompt(request, Materials(), traits).messages[0].text == "https://a.org/x.pdf Read it")
        traits.uploadsByURL = true
        #expect(
            WebPrompt.addresses(of: request, from: 0, traits).map(\.url) == ["https://a.org/x.pdf", "https://a.org/y"]
        )
        var materials = Materials()
        materials.files["https://a.org/x.pdf"] = FetchedFile(mediaType: "application/pdf", content: [1])
        materials.files["https://a.org/y"] = FetchedFile(mediaType: "text/plain", content: [2])
        let prompt = try WebPrompt(request, materials, traits)
        #expect(prompt.messages.map(\.text) == ["Read it", "https://b.org no", ""])
        #expect(prompt.messages[0].files.map(\.name) == ["x.pdf"])
        #expect(throws: GatewayError.self) { try WebPrompt(request, Materials(), traits) }
    }
}
