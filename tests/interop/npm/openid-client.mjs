// openid-client, with jose to verify: it has no validator of access tokens.
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { answer, becomes, thrown } from './stdio.mjs'

const METHODS = {
  client_secret_basic: client.ClientSecretBasic,
  client_secret_post: client.ClientSecretPost,
}

function discover({ issuer, client_id, client_secret }, algorithm, method) {
  return client.discovery(new URL(issuer), client_id, undefined, METHODS[method](client_secret), {
    algorithm,
    execute: [client.allowInsecureRequests],
  })
}

async function verify(config, { issuer, audience, typ, alg }, token) {
  const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
  return (await jwtVerify(token, keys, { issuer, audience, typ, algorithms: [alg] })).payload
}

await answer({
  async tokens(asked) {
    const tokens = []
    for (const algorithm of ['oidc', 'oauth2']) {
      for (const method of Object.keys(METHODS)) {
        const config = await discover(asked, algorithm, method)
        const token = await client.clientCredentialsGrant(config, asked.parameters)
        const claims = await verify(config, asked, token.access_token)
        tokens.push({ algorithm, method, token, claims, expiresIn: token.expiresIn() })
      }
    }
    return { tokens }
  },

  async revocation(asked) {
    const answers = []
    for (const method of Object.keys(METHODS)) {
      const config = await discover(asked, 'oidc', method)
      const { access_token: token } = await client.clientCredentialsGrant(config, asked.parameters)
      const isActive = async () => (await client.tokenIntrospection(config, token)).active
      const before = await isActive()
      await client.tokenRevocation(config, token)
      answers.push({ method, before, ended: await becomes(false, isActive) })
    }
    return { answers }
  },

  async refusals(asked) {
    const refused = []
    for (const method of Object.keys(METHODS)) {
      const config = await discover(asked, 'oidc', method)
      refused.push(await thrown(client.clientCredentialsGrant(config, asked.parameters)))
    }
    return { refused }
  },
})
