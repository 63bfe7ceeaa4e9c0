import { z } from 'zod'

/** How far a change has come. Complete: every request whose first byte is sent after this answer meets it, on every node. */
export const propagationSchema = z
  .object({
    complete: z.boolean(),
    sequence: z.number().int().describe('The change, or a later one; for GET /v1/propagations/{sequence}.'),
    pending: z.array(z.string()).describe('Nodes that may still go by what was before.'),
  })
  .meta({ id: 'Propagation' })
export type Propagation = z.infer<typeof propagationSchema>

/** Of a revocation: who verifies offline asks no node. */
export const revocationPropagationSchema = propagationSchema
  .extend({
    offline_until: z
      .string()
      .nullable()
      .describe(
        'Of a JWT key: by when also those who verify offline have learnt of it, from the status list. Null: nobody can verify it offline.',
      ),
  })
  .meta({ id: 'RevocationPropagation' })

export const nodeSchema = z
  .object({
    id: z.string(),
    version: z.string(),
    started_at: z.string(),
    applied_sequence: z.number().int(),
    lag: z.number().int().describe('Changes that the node has not reported yet.'),
    lease: z.number().describe('For how many seconds it answers from memory without hearing from the database.'),
  })
  .meta({ id: 'Node' })

export const nodeList = z.object({ data: z.array(nodeSchema) }).meta({ id: 'NodeList' })
