/** The browser's other views of the call: the whole screen, and a small window over other programs. */

export function canFillScreen(): boolean {
  return document.fullscreenEnabled;
}

/** The whole page, so that controls and captions stay; again to come back. */
export async function fillScreen(): Promise<void> {
  const change = document.fullscreenElement === null ? document.documentElement.requestFullscreen() : document.exitFullscreen();
  await change.catch(() => undefined); // refused by the browser: all stays as it is
}

export function canFloat(): boolean {
  return document.pictureInPictureEnabled;
}

export async function float(video: HTMLVideoElement): Promise<void> {
  try {
    if (document.pictureInPictureElement !== null) {
      await document.exitPictureInPicture();
      return;
    }
    video.disablePictureInPicture = false;
    await video.requestPictureInPicture();
  } catch {
    // no picture yet, or refused: the call goes on where it is
  }
}

/** Phones have no screen to share. */
export function canShare(): boolean {
  return window.isSecureContext && "getDisplayMedia" in navigator.mediaDevices;
}
