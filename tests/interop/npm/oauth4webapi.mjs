// oauth4webapi: the strictest reader of what an authorization server answers.
import * as oauth from 'oauth4webapi'
import { answer, becomes, thrown } from './stdio.mjs'

const http = { [oauth.allowInsecureRequests]: true }
const METHODS = {
  client_secret_basic: oauth.ClientSecretBasic,
  client_secret_post: oauth.ClientSecretPost,
}

// `oidc` appends /.well-known/openid-configuration to the issuer; `oauth2` inserts
// /.well-known/oauth-authorization-server before its path (RFC 8414 section 3.1).
async function discover({ issuer }, algorithm = 'oauth2') {
  const url = new URL(issuer)
  const response = await oauth.discoveryRequest(url, { algorithm, ...http })
  return oauth.processDiscoveryResponse(url, response)
}

async function fetchToken(as, { client_id, client_secret, parameters }, method) {
  const client = { client_id }
  const authentication = METHODS[method](client_secret)
  const response = await oauth.clientCredentialsGrantRequest(
    as,
    client,
    authentication,
    new URLSearchParams(parameters),
    http,
  )
  return oauth.processClientCredentialsResponse(as, client, response)
}

function validate(as, { audience, alg }, token) {
  const request = new Request(audience, { headers: { authorization: `Bearer ${token}` } })
  return oauth.validateJwtAccessToken(as, request, audience, { signingAlgorithms: [alg], ...http })
}

async function isActive(as, { client_id, client_secret }, token, method) {
  const client = { client_id }
  const authentication = METHODS[method](client_secret)
  const response = await oauth.introspectionRequest(as, client, authentication, token, http)
  return (await oauth.processIntrospectionResponse(as, client, response)).active
}

async function revoke(as, { client_id, client_secret }, token, method) {
  const authentication = METHODS[method](client_secret)
  const client = { client_id }
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(as, client, authentication, token, http),
  )
}

await answer({
  async tokens(asked) {
    const tokens = []
    for (const algorithm of ['oidc', 'oauth2']) {
      const as = await discover(asked, algorithm)
      for (const method of Object.keys(METHODS)) {
        const token = await fetchToken(as, asked, method)
        const claims = await validate(as, asked, token.access_token)
        tokens.push({ algorithm, method, token, claims })
      }
    }
    return { tokens }
  },

  async revocation(asked) {
    const as = await discover(asked)
    const answers = []
    for (const method of Object.keys(METHODS)) {
      const { access_token: token } = await fetchToken(as, asked, method)
      const before = await isActive(as, asked, token, method)
      await revoke(as, asked, token, method)
      const ended = await becomes(false, () => isActive(as, asked, token, method))
      answers.push({ method, before, ended })
    }
    return { answers }
  },

  async refusals(asked) {
    const as = await discover(asked)
    const refused = []
    for (const method of Object.keys(METHODS)) refused.push(await thrown(fetchToken(as, asked, method)))
    return { refused }
  },

  // An access token that the strict validator is not meant for.
  async invalid(asked) {
    const as = await discover(asked)
    return { refused: await thrown(validate(as, asked, asked.token)) }
  },
})
