# Installs wps @VERSION@ for one user: downloads the archive, checks its checksum, and puts the binary into
# %LOCALAPPDATA%\Programs\wps, which it adds to the user's PATH. $env:WPS_PREFIX names another place.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

$url = if ($env:WPS_DOWNLOAD_URL) { $env:WPS_DOWNLOAD_URL } else { '@URL@' }
$prefix = if ($env:WPS_PREFIX) { $env:WPS_PREFIX } else { Join-Path $env:LOCALAPPDATA 'Programs\wps' }
# Windows on ARM runs it too, by emulation.
$name = 'wps-@VERSION@-x86_64-pc-windows-msvc'

$work = Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid())
New-Item -ItemType Directory -Path $work | Out-Null
try {
    $archive = Join-Path $work "$name.zip"
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    Invoke-WebRequest -UseBasicParsing -Uri "$url/$name.zip" -OutFile $archive
    Invoke-WebRequest -UseBasicParsing -Uri "$url/$name.zip.sha256" -OutFile "$archive.sha256"
    $expected = ((Get-Content "$archive.sha256") -split ' ')[0]
    $actual = (Get-FileHash -Algorithm SHA256 $archive).Hash
    if ($actual -ne $expected) { throw "$name.zip is not what its checksum says" }

    Expand-Archive -Path $archive -DestinationPath $work
    New-Item -ItemType Directory -Force -Path $prefix | Out-Null
    Copy-Item -Force (Join-Path $work "$name\wps.exe") $prefix
    & (Join-Path $prefix 'wps.exe') --version

    $path = [Environment]::GetEnvironmentVariable('Path', 'User')
    if (($path -split ';') -notcontains $prefix) {
        [Environment]::SetEnvironmentVariable('Path', "$path;$prefix", 'User')
        Write-Output "$prefix is on the PATH of what is started from now on"
    }
} finally {
    Remove-Item -Recurse -Force $work
}
