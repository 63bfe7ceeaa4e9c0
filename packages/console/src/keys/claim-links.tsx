import type { ClaimLink, Key } from '@keyturn/contract'
import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { api } from '../api/api.ts'
import { queries } from '../api/queries.ts'
import { useChange } from '../api/use-change.ts'
import { MissingRight, useMay } from '../app/me.tsx'
import { CopyButton } from '../ui/copy.tsx'
import { Section } from '../ui/page.tsx'
import { ProblemNote, Reading } from '../ui/problem.tsx'
import { sayProblem } from '../ui/say-problem.ts'
import { Status, type Tone } from '../ui/status.tsx'
import { When } from '../ui/when.tsx'
import { targetOf } from './target.ts'

/** A person outside is given a new secret by a link: nobody inside sees it. */
export function ClaimLinks({ of: key }: { readonly of: Key }) {
  const may = useMay()
  const links = useQuery(queries.claimLinks(key.id))
  const mayRotate = may('keys:rotate', targetOf(key))
  const create = useChange(() => api.call('POST /v1/keys/{key}/claim-links', { path: { key: key.id } }))
  const url = create.value?.url
  const isPossible = key.kind !== 'publishable' && key.status !== 'revoked'
  return (
    <Section
      title="Hand over by claim link"
      lead="Whoever opens the link presses a button and is shown a new secret, once. Nobody here sees it."
      actions={
        mayRotate &&
        isPossible && (
          <Button variant="default" size="compact-sm" loading={create.pending} onClick={() => create.run(undefined)}>
            Make a link
          </Button>
        )
      }
    >
      {!mayRotate && <MissingRight action="keys:rotate" doing="Making a claim link" />}
      <ProblemNote problem={create.problem} />
      <Reading of={links}>
        {(found) =>
          found.length === 0 ? (
            <Text size="sm" className="soft">
              {isPossible
                ? 'None was made. A link works once, for a week, and can be withdrawn.'
                : 'None was made, and none can be: such a key has nothing to hand over.'}
            </Text>
          ) : (
            <Stack gap="xs">
              {found.map((link) => (
                <OneLink key={link.id} of={link} mayWithdraw={mayRotate} />
              ))}
            </Stack>
          )
        }
      </Reading>
      {typeof url === 'string' && (
        <Modal opened onClose={create.reset} title="A claim link" size="lg">
          <Stack>
            <Text size="sm">
              Send it to whoever is to have the new secret. It is shown this once, works once, and until{' '}
              <When at={create.value?.expires_at ?? null} />.
            </Text>
            <div className="secret" data-testid="claim-link">
              {url}
            </div>
            <Group>
              <CopyButton text={url}>Copy the link</CopyButton>
              <Button variant="default" onClick={create.reset}>
                Close
              </Button>
            </Group>
          </Stack>
        </Modal>
      )}
    </Section>
  )
}

const states = {
  open: { word: 'Open', tone: 'warn' },
  claimed: { word: 'Claimed', tone: 'good' },
  withdrawn: { word: 'Withdrawn', tone: 'idle' },
  expired: { word: 'Expired', tone: 'idle' },
} as const satisfies Record<ClaimLink['status'], { word: string; tone: Tone }>

function OneLink({ of: link, mayWithdraw }: { readonly of: ClaimLink; readonly mayWithdraw: boolean }) {
  const withdraw = useChange(
    () =>
      api.call('DELETE /v1/keys/{key}/claim-links/{claim_link}', { path: { key: link.key_id, claim_link: link.id } }),
    { failed: sayProblem },
  )
  const { word, tone } = states[link.status]
  return (
    <Group justify="space-between" gap="xs">
      <Text size="sm" component="div">
        <Status tone={tone}>{word}</Status> · made <When at={link.created_at} /> by {link.created_by.name}
        {link.status === 'open' && (
          <>
            , works <When at={link.expires_at} /> no more
          </>
        )}
        {link.claimed_at !== null && (
          <>
            , claimed <When at={link.claimed_at} />
          </>
        )}
      </Text>
      {link.status === 'open' && mayWithdraw && (
        <Button variant="default" size="compact-xs" loading={withdraw.pending} onClick={() => withdraw.run(undefined)}>
          Withdraw
        </Button>
      )}
    </Group>
  )
}
