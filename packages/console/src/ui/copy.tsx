import { ActionIcon, Button } from '@mantine/core'
import { useState } from 'react'
import { IconCheck, IconCopy } from './icons.tsx'

/** Also over plain http, where browsers keep the clipboard to themselves: through a field that is selected. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyBySelection(text)
  }
}

function copyBySelection(text: string): boolean {
  const field = document.createElement('textarea')
  field.value = text
  field.readOnly = true
  field.setAttribute('aria-hidden', 'true')
  field.style.position = 'fixed'
  field.style.opacity = '0'
  // Within a dialog, which would take the focus back from what is outside.
  const place = document.activeElement?.parentElement ?? document.body
  place.append(field)
  field.select()
  try {
    return document.execCommand('copy')
  } finally {
    field.remove()
  }
}

function useCopy(text: string) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle')
  const copy = () =>
    void copyText(text).then((copied) => {
      setState(copied ? 'copied' : 'failed')
      setTimeout(() => setState('idle'), 2500)
    })
  return { state, copy }
}

/** @param what is copied, for those who do not see what it stands beside */
export function CopyIcon({ text, what }: { readonly text: string; readonly what: string }) {
  const { state, copy } = useCopy(text)
  const label = state === 'copied' ? 'Copied' : state === 'failed' ? 'Select it and copy it by hand' : `Copy ${what}`
  return (
    <ActionIcon variant="subtle" size="sm" color="gray" onClick={copy} aria-label={label} title={label}>
      {state === 'copied' ? <IconCheck size={14} /> : <IconCopy size={14} />}
    </ActionIcon>
  )
}

export function CopyButton({ text, children }: { readonly text: string; readonly children: string }) {
  const { state, copy } = useCopy(text)
  return (
    <Button onClick={copy} leftSection={state === 'copied' ? <IconCheck size={16} /> : <IconCopy size={16} />}>
      <span aria-live="polite">
        {state === 'copied' ? 'Copied' : state === 'failed' ? 'Select it and copy it by hand' : children}
      </span>
    </Button>
  )
}
