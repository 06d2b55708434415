internal import Core
internal import HTTPCodec
internal import JSON

/// A file of an answer is had in two steps: the site first says where it is.
struct ChatGPTDownload: Sendable {
    let site: ChatGPTSite

    func request(_ url: String, at desk: any Desk) async throws(GatewayError) -> OutgoingRequest {
        // Only what an answer of this site has named; the token is shown there.
        guard let base = site.settings.bases.first(where: { url.hasPrefix($0 + "/backend-api/") }) else {
            throw GatewayError(.notFound, "There is no such file.", source: .client)
        }
        let answer = try await desk.ask(site.get(String(url.dropFirst(base.count + "/backend-api".count))))
        guard answer.isSuccess else { throw failure(answer, at: desk) }
        guard let address = try UpstreamAnswer.parse(answer.body).root["download_url"]?.string,
            address.hasPrefix("https://") || address.hasPrefix("http://")
        else { throw .unexpectedAnswer }
        var headers = [HTTPHeader("Accept", "*/*"), HTTPHeader("User-Agent", site.settings.userAgent)]
        // The site's own store wants to know who asks; others must not learn it.
        if site.settings.bases.contains(where: { address.hasPrefix($0 + "/") && $0.count > 8 })
            && address.contains("/backend-api/")
        {
            headers.append(HTTPHeader("Authorization", "Bearer " + site.access))
            if let workspace = site.workspace { headers.append(HTTPHeader("ChatGPT-Account-ID", workspace)) }
        }
        return OutgoingRequest(method: .get, url: address, headers: headers)
    }

    private func failure(_ answer: DeskAnswer, at desk: any Desk) -> GatewayError {
        guard answer.status == 404 else { return ChatGPTFailure.make(answer.failed(at: desk.now)) }
        return GatewayError(.notFound, "The upstream no longer has this file.", source: .client)
    }
}
