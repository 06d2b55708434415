package import Core
internal import Crypto
internal import JSON
package import OpenAIAPI

/// A chat request as a web application can be told it: plain messages with files, and what all of the conversation is to
/// heed, in words.
package struct WebPrompt: Sendable {
    package var messages: [WebMessage] = []
    package var instructions = ""
    package let form: AnswerForm
    /// What the request says of sampling, which a web application does by itself: without effect, and told to the client.
    package let ignored: [String]

    /// What is done for all web applications.
    private static let known: [StaticString] = [
        "tools", "tool_choice", "functions", "function_call", "parallel_tool_calls", "response_format", "stop",
        "max_tokens", "max_completion_tokens", "n", "conversation_id", "show_thinking", "thinking",
    ]
    /// Clients send these out of habit, with every request.
    private static let sampling: [StaticString] = [
        "temperature", "top_p", "top_k", "min_p", "seed", "frequency_penalty", "presence_penalty", "reasoning_effort",
    ]

    /// The addresses whose content must be fetched before the prompt can be made: those of the messages from `first` on.
    package static func addresses(of request: ModelRequest, from first: Int, _ traits: WebTraits) -> [Needs.Address] {
        guard traits.takesFiles, let chat = try? ChatRequest(request) else { return [] }
        var addresses: [Needs.Address] = []
        for message in chat.messages[min(first, chat.messages.count)...] {
            for url in leadingAddresses(of: message, traits)?.addresses ?? [] {
                addresses.append(Needs.Address(url: url, parameter: message.path + ".content"))
            }
            for part in message.parts {
                guard let (url, parameter) = source(of: part), DataURL(url) == nil else { continue }
                addresses.append(Needs.Address(url: url, parameter: parameter))
            }
        }
        return addresses
    }

    /// `first` is the first message whose files are wanted: what the upstream has already is not sent again. `count` counts
    /// the tokens of a text.
    package init(
        _ request: ModelRequest,
        _ materials: Materials,
        _ traits: WebTraits,
        filesFrom first: Int = 0,
        provider: String = "This model",
        emulatesTools: Bool = true,
        dropsUnsupported: Bool = false,
        count: @escaping @Sendable (String) -> Int = { ($0.utf8.count + 3) / 4 }
    ) throws(GatewayError) {
        guard request.operation == .chat else {
            throw .invalid("model", "\(provider) has models that chat, and no others.")
        }
        let chat = try ChatRequest(request)
        if !dropsUnsupported {
            try Parameters.check(
                request,
                known: Self.known + Self.sampling + traits.parameters,
                provider: provider
            )
        }
        ignored = Self.ignored(request, traits)
        guard chat.choices == 1 else {
            throw .notHere("n", "This model gives one answer at a time: 'n' must be 1.")
        }
        form = try AnswerForm(chat, emulatesTools: emulatesTools && traits.emulatesTools, count: count)
        var instructions: [String] = []
        for (place, message) in chat.messages.enumerated() {
            switch message.role {
            case .system: instructions.append(message.text)
            case .tool: messages.append(WebMessage(role: .user, text: ToolTranscript.result(message, in: chat)))
            case .user:
                let leading = Self.leadingAddresses(of: message, traits)
                let words = leading.map { String($0.rest) } ?? message.text
                // Nobody's words shall pass for a call or for what came of one.
                let text = !form.hasTools ? words : ToolTranscript.harmless(words)
                var said = WebMessage(role: .user, text: text)
                if place >= first {
                    said.files = try Self.files(of: message, materials, traits)
                    for url in leading?.addresses ?? [] {
                        said.files.append(try Self.file(at: url, message.path + ".content", materials))
                    }
                }
                messages.append(said)
            case .assistant: messages.append(WebMessage(role: .assistant, text: ToolTranscript.assistant(message)))
            }
        }
        guard messages.last?.role == .user else {
            throw .invalid("messages", "The last message must be the user's.")
        }
        self.instructions = (instructions + [form.instructions]).filter { !$0.isEmpty }.joined(separator: "\n\n")
        // What the upstream remembers is not sent again.
        let size = chat.messages.dropFirst(first).reduce(self.instructions.utf8.count) { $0 + $1.text.utf8.count }
        guard size <= traits.longestPrompt else {
            throw .invalid(
                "messages",
                "This is more text than this model takes at once: \(size) bytes, of at most \(traits.longestPrompt).",
                code: .contextLengthExceeded
            )
        }
    }

    private static func ignored(_ request: ModelRequest, _ traits: WebTraits) -> [String] {
        let root = request.document.root
        return sampling.filter { name in
            guard let value = root.present(name), !Parameters.isNeutral(value) else { return false }
            return !traits.parameters.contains { "\($0)" == "\(name)" }
        }.map { "\($0)" }
    }

    private static func files(
        of message: ChatMessage,
        _ materials: Materials,
        _ traits: WebTraits
    ) throws(GatewayError) -> [WebFile] {
        var files: [WebFile] = []
        for part in message.parts {
            guard let (url, parameter) = source(of: part) else {
                if case .text = part.kind { continue }
                throw .invalid(part.path, "This model takes text, images and files only.", code: .unsupportedParameter)
            }
            guard traits.takesFiles else { throw .notHere(part.path, "This model takes text only.") }
            files.append(try file(url, parameter, part, materials))
        }
        return files
    }

    private static func file(
        _ url: String,
        _ parameter: String,
        _ part: ContentPart,
        _ materials: Materials
    ) throws(GatewayError) -> WebFile {
        let content: [UInt8]
        let mediaType: String
        if let data = DataURL(url) {
            guard let bytes = Base64.standard.decode(String(data.base64)) else {
                throw .invalid(parameter, "The content of this file is not valid base64.", code: .invalidFile)
            }
            (content, mediaType) = (bytes, data.mediaType)
        } else if let fetched = materials.files[url] {
            (content, mediaType) = (fetched.content, fetched.mediaType)
        } else {
            throw .invalid(parameter, "A file must be a data: URL or an address.", code: .invalidFile)
        }
        guard !content.isEmpty else { throw .invalid(parameter, "This file is empty.", code: .invalidFile) }
        var name = "file"
        if case .file(let reference) = part.kind, let given = reference.name { name = String(given.prefix(200)) }
        return WebFile(name: name, mediaType: mediaType, content: content, path: parameter)
    }

    /// Nothing unless a user's plain text begins with addresses, and that means something here.
    private static func leadingAddresses(of message: ChatMessage, _ traits: WebTraits) -> LeadingAddresses? {
        guard traits.uploadsByURL, message.role == .user, message.source["content"]?.isString == true else {
            return nil
        }
        let leading = LeadingAddresses(message.text)
        return leading.addresses.isEmpty ? nil : leading
    }

    private static func file(
        at url: String,
        _ parameter: String,
        _ materials: Materials
    ) throws(GatewayError) -> WebFile {
        guard let fetched = materials.files[url], !fetched.content.isEmpty else {
            throw .invalid(parameter, "There is no file at one of these addresses.", code: .invalidFile)
        }
        let path = url.prefix { $0 != "?" && $0 != "#" }
        let name = path.split(separator: "/").dropFirst(2).last.map { String($0.prefix(200)) } ?? "file"
        return WebFile(name: name, mediaType: fetched.mediaType, content: fetched.content, path: parameter)
    }

    private static func source(of part: ContentPart) -> (url: String, parameter: String)? {
        switch part.kind {
        case .image(let url, _): (url, part.path + ".image_url.url")
        case .file(let file): file.data.map { ($0, part.path + ".file.file_data") }
        default: nil
        }
    }
}
